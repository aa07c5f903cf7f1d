// Keeps sheets of small pictures for the scatter plot; drawn from when the pointer is over a point.

export default function (component) {
  const { key, sheets } = component.data;
  const kept = (window.ellimapsThumbnails ??= new Map());
  if (!kept.has(key)) {
    kept.set(key, sheets.map((sheet) => Object.assign(new Image(), { src: `data:image;base64,${sheet}` })));
  }
  return () => kept.delete(key);
}
