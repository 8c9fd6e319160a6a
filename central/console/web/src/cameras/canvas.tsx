/**
 * The picture with its zones and masks, to be drawn on by mouse and by keyboard. A focused point moves by arrow keys (with Shift: finely),
 * Insert adds one behind it, Delete removes it.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useWords } from '../i18n';
import type { Act, Chosen, Draft } from './draft';
import { outlineOf } from './draft';
import { crossing, FINE, inserted, middle, shifted, snapped, STEP, tidy, WHOLE, type Outline, type Point } from './geometry';

const WIDTH = 1000;

interface CanvasProps {
  /** Address of the still; empty: none yet. */
  still: string;
  draft: Draft;
  draw: (a: Act) => void;
  /** Nothing can be changed. */
  fixed: boolean;
  camera: string;
}

export function Canvas({ still, draft, draw, fixed, camera }: CanvasProps) {
  const words = useWords();
  const svg = useRef<SVGSVGElement>(null);
  const [aspect, setAspect] = useState(9 / 16);
  const height = Math.round(WIDTH * aspect);
  const at = (e: PointerEvent): Point => {
    const r = (svg.current as SVGSVGElement).getBoundingClientRect();
    return [(e.clientX - r.left) / r.width, (e.clientY - r.top) / r.height];
  };
  const { zones, masks } = draft.drawing;
  const chosen = draft.chosen;
  const is = (of: Chosen['of'], index: number) => chosen?.of === of && chosen.index === index;
  const choose = (of: Chosen['of'], index: number) => draw({ do: 'choose', chosen: { of, index, point: 0 } });
  return (
    <div class="canvas">
      {still !== '' && <img class="canvas-still" src={still} alt={words.t('cameras.still', { camera })} onLoad={(e) => setAspect(ratioOf(e.currentTarget))} />}
      {still === '' && <p class="canvas-none">{words.t('cameras.noStill')}</p>}
      <svg ref={svg} class="canvas-svg" viewBox={`0 0 ${WIDTH} ${height}`} role="group" aria-label={words.t('cameras.canvas', { camera })} data-testid="canvas">
        <defs>
          <pattern id="hatch" width="14" height="14" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="14" height="14" /><path class="hatch-line" d="M0 0v14" /></pattern>
        </defs>
        {zones.map((z, i) => <Shape key={`z${i}`} of="zones" name={z.name} outline={z.outline.length > 0 ? z.outline : WHOLE} height={height} on={is('zones', i)} onChoose={() => choose('zones', i)} />)}
        {masks.map((m, i) => <Shape key={`m${i}`} of="masks" name={words.t('cameras.mask', { n: i + 1 })} outline={m} height={height} on={is('masks', i)} onChoose={() => choose('masks', i)} />)}
        {chosen && !fixed && outlineOf(draft.drawing, chosen).length > 0 && <Handles draft={draft} chosen={chosen} draw={draw} at={at} height={height} />}
      </svg>
    </div>
  );
}

const ratioOf = (img: HTMLImageElement): number => (img.naturalWidth > 0 ? img.naturalHeight / img.naturalWidth : 9 / 16);

const points = (o: Outline, height: number): string => o.map(([x, y]) => `${x * WIDTH},${y * height}`).join(' ');

interface ShapeProps {
  of: 'zones' | 'masks';
  name: string;
  outline: Outline;
  height: number;
  on: boolean;
  onChoose: () => void;
}

function Shape({ of, name, outline, height, on, onChoose }: ShapeProps) {
  const crossed = crossing(outline);
  const top = outline.reduce((a, b) => (b[1] < a[1] || (b[1] === a[1] && b[0] < a[0]) ? b : a));
  return (
    <g class={`shape shape-${of}${on ? ' shape-on' : ''}${crossed ? ' shape-bad' : ''}`} onPointerDown={onChoose}>
      <polygon points={points(outline, height)} />
      {crossed?.map((side) => {
        const [a, b] = [outline[side] as Point, outline[(side + 1) % outline.length] as Point];
        return <line key={side} class="crossed" x1={a[0] * WIDTH} y1={a[1] * height} x2={b[0] * WIDTH} y2={b[1] * height} />;
      })}
      <text x={Math.min(WIDTH - 120, top[0] * WIDTH + 8)} y={Math.max(26, Math.min(height - 10, top[1] * height + 28))}>{name}</text>
    </g>
  );
}

interface HandlesProps {
  draft: Draft;
  chosen: Chosen;
  draw: (a: Act) => void;
  at: (e: PointerEvent) => Point;
  height: number;
}

/** How a coordinate is said: 45 %, or 45.2 %. */
export const said = (v: number): string => `${Math.round(v * 1000) / 10} %`;

function Handles({ draft, chosen, draw, at, height }: HandlesProps) {
  const words = useWords();
  const outline = outlineOf(draft.drawing, chosen);
  const refs = useRef<(SVGCircleElement | null)[]>([]);
  useEffect(() => {
    const group = refs.current.find((c) => c !== null)?.parentElement;
    if (chosen.point >= 0 && group?.contains(document.activeElement)) refs.current[chosen.point]?.focus();
  }, [chosen.point, outline.length]);
  const hold = (point: number) => draw({ do: 'choose', chosen: { ...chosen, point } });
  const drag = useDrag(draw, at);
  const key = (e: KeyboardEvent, i: number) => {
    const act = keyed(e, outline, i);
    if (!act) return;
    e.preventDefault();
    e.stopPropagation();
    draw(act);
  };
  return (
    <g>
      <polygon class="shape-top" points={points(outline, height)} />
      {outline.map((p, i) => {
        const m = middle(p, outline[(i + 1) % outline.length] as Point);
        return (
          <circle key={`m${i}`} class="handle-add" cx={m[0] * WIDTH} cy={m[1] * height} r="7" aria-hidden="true"
            onPointerDown={(e) => { draw({ do: 'outline', outline: inserted(outline, i), point: i + 1 }); drag.begin(e); }} {...drag.moves} />
        );
      })}
      {outline.map((p, i) => (
        <circle key={`p${i}`} ref={(c) => { refs.current[i] = c; }} class={i === chosen.point ? 'handle handle-on' : 'handle'} cx={p[0] * WIDTH} cy={p[1] * height} r="11" tabIndex={0}
          role="button" aria-roledescription={words.t('cameras.movable')} aria-label={words.t('cameras.point', { n: i + 1, x: said(p[0]), y: said(p[1]) })} data-testid="handle"
          onFocus={() => i === chosen.point || hold(i)} onKeyDown={(e) => key(e, i)} onDblClick={() => draw({ do: 'drop' })}
          onPointerDown={(e) => { hold(i); draw({ do: 'mark' }); drag.begin(e); }} {...drag.moves} />
      ))}
    </g>
  );
}

/** Moves the point in hand while a button is held; the way back is one step. */
function useDrag(draw: (a: Act) => void, at: (e: PointerEvent) => Point) {
  const held = useRef(false);
  const begin = (e: PointerEvent) => {
    e.stopPropagation();
    held.current = true;
    (e.currentTarget as Element).setPointerCapture(e.pointerId);
  };
  const move = (e: PointerEvent) => held.current && draw({ do: 'move', to: snapped(at(e)), keep: true });
  const end = () => { held.current = false; };
  return { begin, moves: { onPointerMove: move, onPointerUp: end, onPointerCancel: end } };
}

const ARROWS: Readonly<Record<string, Point>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** What a key does to a point: arrows move it, with Alt the whole outline. */
function keyed(e: KeyboardEvent, outline: Outline, i: number): Act | null {
  const way = ARROWS[e.key];
  if (way) {
    const by = e.shiftKey ? FINE : STEP;
    if (e.altKey) return { do: 'outline', outline: shifted(outline, way[0] * by, way[1] * by) };
    const p = outline[i] as Point;
    return { do: 'move', to: [tidy(p[0] + way[0] * by), tidy(p[1] + way[1] * by)] };
  }
  if (e.key === 'Delete' || e.key === 'Backspace') return { do: 'drop' };
  if (e.key === 'Insert' || e.key === 'Enter' || e.key === '+') return { do: 'insert' };
  return null;
}
