"""What several tests need: generated inputs, known truths, processes to call and to kill."""
