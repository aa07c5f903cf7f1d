// Keeps sheets of small pictures for the scatter plot; drawn from when the pointer is over a point. They are
// kept on the window, as the modules of two components do not meet.

export default function (component) {
  const { key, sheets } = component.data;
  const kept = (window.ellimapsThumbnails ??= new Map());
  if (!kept.has(key)) kept.set(key, sheets.map(picture));
  return () => kept.delete(key);
}

function picture(sheet) {
  return Object.assign(new Image(), { src: `data:image;base64,${sheet}` });
}
