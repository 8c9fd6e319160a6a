/** What is being drawn: zones and masks of a camera, which of them is chosen, and the way back. Pure. */
import { faultOf, fresh, inserted, MAX_SHAPES, MIN_POINTS, moved, removed, WHOLE, type Outline, type Point } from './geometry';

export interface DrawnZone {
  name: string;
  /** Empty: the whole picture. */
  outline: Outline;
  /** Share of the picture that counts at least; 0: the edge's default. */
  minArea: number;
  /** How long something moves before it counts, in milliseconds; 0: the detector's default. */
  minDurationMs: number;
}

export interface Drawing {
  zones: readonly DrawnZone[];
  masks: readonly Outline[];
}

export interface Chosen {
  of: 'zones' | 'masks';
  index: number;
  /** The point in hand; -1 for none. */
  point: number;
}

export interface Draft {
  drawing: Drawing;
  chosen: Chosen | null;
  past: readonly Drawing[];
}

export type Act =
  | { do: 'choose'; chosen: Chosen | null }
  | { do: 'zone'; name: string }
  | { do: 'mask' }
  | { do: 'remove' }
  | { do: 'fields'; fields: Partial<Omit<DrawnZone, 'outline'>>; keep?: boolean }
  | { do: 'whole'; whole: boolean }
  | { do: 'outline'; outline: Outline; point?: number; keep?: boolean }
  | { do: 'move'; to: Point; keep?: boolean }
  | { do: 'insert'; at?: Point }
  | { do: 'drop' }
  | { do: 'mark' }
  | { do: 'undo' }
  | { do: 'load'; drawing: Drawing };

/** How many steps back there are. */
const MAX_PAST = 100;

export const begin = (drawing: Drawing): Draft => ({ drawing, chosen: null, past: [] });

export function draw(d: Draft, a: Act): Draft {
  switch (a.do) {
    case 'load':
      return begin(a.drawing);
    case 'choose':
      return { ...d, chosen: a.chosen };
    case 'undo':
      return undo(d);
    case 'mark':
      return { ...d, past: [...d.past, d.drawing].slice(-MAX_PAST) };
    case 'zone':
      return d.drawing.zones.length >= MAX_SHAPES ? d : addZone(d, a.name);
    case 'mask':
      return d.drawing.masks.length >= MAX_SHAPES ? d : addMask(d);
    default:
      return d.chosen ? change(d, d.chosen, a) : d;
  }
}

function change(d: Draft, c: Chosen, a: Act): Draft {
  const o = outlineOf(d.drawing, c);
  switch (a.do) {
    case 'remove':
      return { ...step(d, without(d.drawing, c)), chosen: null };
    case 'fields':
      return step(d, withZone(d.drawing, c, a.fields), a.keep);
    case 'whole':
      return { ...step(d, withZone(d.drawing, c, { outline: a.whole ? [] : WHOLE })), chosen: { ...c, point: -1 } };
    case 'outline':
      return { ...step(d, withOutline(d.drawing, c, a.outline), a.keep), chosen: { ...c, point: a.point ?? c.point } };
    case 'move':
      return c.point < 0 ? d : step(d, withOutline(d.drawing, c, moved(o, c.point, a.to)), a.keep);
    case 'insert':
      return c.point < 0 || inserted(o, c.point) === o ? d : { ...step(d, withOutline(d.drawing, c, inserted(o, c.point, a.at))), chosen: { ...c, point: c.point + 1 } };
    case 'drop':
      return c.point < 0 || o.length <= MIN_POINTS ? d : { ...step(d, withOutline(d.drawing, c, removed(o, c.point))), chosen: { ...c, point: Math.max(0, c.point - 1) } };
    default:
      return d;
  }
}

/** A step that can be taken back; one of a drag was marked before it began. */
function step(d: Draft, drawing: Drawing, keep = false): Draft {
  return { ...d, drawing, past: keep ? d.past : [...d.past, d.drawing].slice(-MAX_PAST) };
}

function undo(d: Draft): Draft {
  let n = d.past.length - 1;
  while (n >= 0 && d.past[n] === d.drawing) n--; // a drag that went nowhere
  const last = d.past[n];
  if (!last) return d;
  const c = d.chosen;
  const there = c && c.index < last[c.of].length && c.point < outlineOf(last, c).length;
  return { drawing: last, past: d.past.slice(0, n), chosen: there ? c : null };
}

function addZone(d: Draft, name: string): Draft {
  const { zones } = d.drawing;
  const zone: DrawnZone = { name, outline: fresh(zones.length), minArea: 0, minDurationMs: 0 };
  return { ...step(d, { ...d.drawing, zones: [...zones, zone] }), chosen: { of: 'zones', index: zones.length, point: 0 } };
}

function addMask(d: Draft): Draft {
  const { masks } = d.drawing;
  return { ...step(d, { ...d.drawing, masks: [...masks, fresh(masks.length + 2)] }), chosen: { of: 'masks', index: masks.length, point: 0 } };
}

/** The outline of what is chosen; of a zone without one, nothing. */
export function outlineOf(drawing: Drawing, c: Chosen): Outline {
  return (c.of === 'zones' ? drawing.zones[c.index]?.outline : drawing.masks[c.index]) ?? [];
}

function without(drawing: Drawing, c: Chosen): Drawing {
  return c.of === 'zones'
    ? { ...drawing, zones: drawing.zones.filter((_, i) => i !== c.index) }
    : { ...drawing, masks: drawing.masks.filter((_, i) => i !== c.index) };
}

function withZone(drawing: Drawing, c: Chosen, more: Partial<DrawnZone>): Drawing {
  return c.of === 'zones' ? { ...drawing, zones: drawing.zones.map((z, i) => (i === c.index ? { ...z, ...more } : z)) } : drawing;
}

function withOutline(drawing: Drawing, c: Chosen, outline: Outline): Drawing {
  return c.of === 'zones' ? withZone(drawing, c, { outline }) : { ...drawing, masks: drawing.masks.map((m, i) => (i === c.index ? outline : m)) };
}

/** What keeps a drawing from being sent. */
export interface Wrong {
  of: 'zones' | 'masks';
  index: number;
  fault: 'few' | 'many' | 'crossing' | 'small' | 'name' | 'twice';
}

/** The form of a zone's name (protocols/alert). */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u;

export function wrongs({ zones, masks }: Drawing): Wrong[] {
  const out: Wrong[] = [];
  zones.forEach((z, index) => {
    const fault = z.outline.length === 0 ? null : faultOf(z.outline);
    if (!NAME.test(z.name)) out.push({ of: 'zones', index, fault: 'name' });
    else if (zones.findIndex((o) => o.name === z.name) !== index) out.push({ of: 'zones', index, fault: 'twice' });
    if (fault) out.push({ of: 'zones', index, fault });
  });
  masks.forEach((m, index) => {
    const fault = faultOf(m);
    if (fault) out.push({ of: 'masks', index, fault });
  });
  return out;
}

export const sameDrawing = (a: Drawing, b: Drawing): boolean => JSON.stringify(a) === JSON.stringify(b);
