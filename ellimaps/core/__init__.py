"""What every domain needs and none owns: stacks, angles, errors, progress, threads, files, pages of HTML."""
