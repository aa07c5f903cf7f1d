// Channels of grays become one image in colors.

import { clamp, element, rgbOf } from "../common.js";

// Read an image's channels: the gray of each pixel.
export async function loaded({ channels, ...about }) {
  const images = await Promise.all(channels.map(decoded));
  const { width, height } = images[0];
  return { ...about, width, height, channels: images.map((image) => grays(image, width, height)) };
}

// What each of the 256 values of a channel adds to red, green and blue; null where it is switched off.
export function table({ on, color, low, high }, gamma) {
  if (!on) return null;
  const [black, white] = [low * 2.55, Math.max(high, low + 1) * 2.55];
  const shares = Float32Array.from(
    { length: 256 },
    (_, value) => clamp((value - black) / (white - black), 0, 1) ** gamma,
  );
  return rgbOf(color).map((part) => shares.map((share) => share * part));
}

export function mixed({ width, height, channels }, tables) {
  const canvas = canvasOf(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const sum = new Float32Array(width * height);
  for (let part = 0; part < 3; part++) {
    sum.fill(0);
    channels.forEach((values, number) => {
      const own = tables[number]?.[part];
      if (own) for (let i = 0; i < sum.length; i++) sum[i] += own[values[i]];
    });
    for (let i = 0; i < sum.length; i++) image.data[4 * i + part] = sum[i];
  }
  for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
  context.putImageData(image, 0, 0);
  return canvas;
}

async function decoded(text) {
  const image = Object.assign(new Image(), { src: `data:image/png;base64,${text}` });
  await image.decode();
  return image;
}

function grays(image, width, height) {
  const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, width, height).data;
  return Uint8Array.from({ length: width * height }, (_, i) => pixels[4 * i]);
}

function canvasOf(width, height) {
  return Object.assign(element("canvas"), { width, height });
}
