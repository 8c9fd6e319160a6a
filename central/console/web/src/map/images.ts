/**
 * The marks on the map, drawn here: no picture and no font comes from elsewhere. In: the name of a mark, such as n:critical:12, and the
 * colours of the page. Out: its pixels.
 */

/** A colour of the design by its name. */
export type Colour = (token: string) => string;

/** Pixels for one of the page, so that marks are sharp on any screen. */
export const RATIO = 2;

const FONT = '600 12px system-ui, sans-serif';

/** The shapes of ui/marks, 16 by 16. */
const SHAPES: Readonly<Record<string, string>> = {
  critical: 'M5.3 1h5.4L15 5.3v5.4L10.7 15H5.3L1 10.7V5.3z', major: 'M8 1.5 15.3 14.5H.7z', minor: 'M8 1.2 14.8 8 8 14.8 1.2 8z', info: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z',
  red: 'M5.3 1h5.4L15 5.3v5.4L10.7 15H5.3L1 10.7V5.3z', yellow: 'M8 1.5 15.3 14.5H.7z', calm: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3.2l2 1.4',
  ok: 'M3.5 8.5l3 3 6-7', wait: 'M8 3v5l3.5 2', bad: 'M4 4l8 8M12 4l-8 8',
};
const COLOURS: Readonly<Record<string, string>> = { red: 'critical', yellow: 'minor', calm: 'info', ok: 'ok', wait: 'minor', bad: 'critical' };
const HOLLOW = new Set(['info', 'calm', 'ok', 'wait', 'bad']);

export interface Pixels {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

function canvas(width: number, height: number): CanvasRenderingContext2D {
  const c = document.createElement('canvas');
  c.width = width * RATIO;
  c.height = height * RATIO;
  const g = c.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
  g.scale(RATIO, RATIO);
  return g;
}

const pixels = (g: CanvasRenderingContext2D): Pixels => g.getImageData(0, 0, g.canvas.width, g.canvas.height);

/** Draws a mark by its name; null for a name of no mark. */
export function draw(name: string, colour: Colour): Pixels | null {
  const [sort = '', shape = '', text = ''] = name.split(':');
  if (sort === 'p') return pattern(shape, colour);
  if (sort === 'd') return pill(shape, text, colour, true);
  if (sort === 'n' || sort === 'c') return pill(shape, text, colour, false);
  return sort === 's' ? single(shape, colour) : null;
}

function shapeAt(g: CanvasRenderingContext2D, shape: string, colour: Colour, x: number, y: number): void {
  const path = new Path2D(SHAPES[shape] ?? SHAPES['info']);
  g.save();
  g.translate(x, y);
  g.fillStyle = g.strokeStyle = colour(COLOURS[shape] ?? shape);
  g.lineWidth = 2.2;
  g.lineCap = 'round';
  if (HOLLOW.has(shape)) g.stroke(path);
  else g.fill(path);
  g.restore();
}

/** A shape and a number on a plate; devices have a square one, cases a round one. */
function pill(shape: string, text: string, colour: Colour, square: boolean): Pixels {
  const measure = canvas(1, 1);
  measure.font = FONT;
  const letters = text === '' ? 0 : Math.ceil(measure.measureText(text).width) + 4;
  const [width, height] = [letters + 26, 24];
  const g = canvas(width, height);
  g.beginPath();
  g.roundRect(1, 1, width - 2, height - 2, square ? 3 : 11);
  g.fillStyle = colour('surface');
  g.fill();
  g.lineWidth = 1.5;
  g.strokeStyle = colour(COLOURS[shape] ?? shape);
  g.stroke();
  shapeAt(g, shape, colour, 5, 4);
  g.font = FONT;
  g.textBaseline = 'middle';
  g.fillStyle = colour('text');
  g.fillText(text, 24, 12.5);
  return pixels(g);
}

/** One case where it is. */
function single(shape: string, colour: Colour): Pixels {
  const g = canvas(24, 24);
  g.beginPath();
  g.arc(12, 12, 11, 0, 2 * Math.PI);
  g.fillStyle = colour('surface');
  g.fill();
  g.lineWidth = 1;
  g.strokeStyle = colour('text');
  g.stroke();
  shapeAt(g, shape, colour, 4, 4);
  return pixels(g);
}

/** Lines one way for what is near, both ways for what passed; their ends meet at the borders. */
function pattern(shape: string, colour: Colour): Pixels {
  const side = 12;
  const g = canvas(side, side);
  g.strokeStyle = colour(COLOURS[shape] ?? shape);
  g.lineWidth = 1.4;
  g.beginPath();
  for (const at of [-side, 0, side]) {
    g.moveTo(at, side);
    g.lineTo(at + side, 0);
    if (shape !== 'red') continue;
    g.moveTo(at, 0);
    g.lineTo(at + side, side);
  }
  g.stroke();
  return pixels(g);
}
