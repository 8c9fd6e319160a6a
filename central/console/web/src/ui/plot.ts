/** uPlot with the console's colours and words. Loaded when the first chart is shown: see ./chart. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clock, day, sameDay } from '../format';
import type { Lang } from '../i18n';
import type { Line } from './chart';

export interface Drawing {
  lines: readonly Line[];
  /** Milliseconds since the epoch that the axis shows. */
  from: number;
  to: number;
  /** A vertical line, in milliseconds. */
  mark?: number | undefined;
  lang: Lang;
  /** Puts a value into words; the number alone by default. */
  value?: ((v: number) => string) | undefined;
}

const TOKENS = ['--accent', '--major', '--ok', '--critical', '--exercise', '--minor'] as const;

const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The lines over the union of their times, in seconds; what has no value there is a gap only where a line says null. */
function aligned(lines: readonly Line[]): uPlot.AlignedData {
  const tables = lines.map((l): uPlot.AlignedData => [l.points.map(([at]) => at / 1000), l.points.map(([, v]) => v)]);
  return tables.length === 0 ? [[]] : uPlot.join([...tables]);
}

function axisTimes(lang: Lang): uPlot.Axis.DynamicValues {
  return (_, splits) => splits.map((s, i) => {
    const at = new Date(s * 1000);
    const before = splits[i - 1];
    const text = clock(lang, at).slice(0, 5);
    return before === undefined || sameDay(at, new Date(before * 1000)) ? text : day(lang, at, new Date(before * 1000));
  });
}

function options(d: Drawing, width: number, height: number): uPlot.Options {
  const line = { stroke: token('--muted'), grid: { stroke: token('--line'), width: 1 }, ticks: { stroke: token('--line'), width: 1 }, font: '12px sans-serif' };
  return {
    width, height, legend: { show: false }, cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: true, min: d.from / 1000, max: d.to / 1000 } },
    axes: [
      { ...line, values: axisTimes(d.lang), space: 64, size: 28 },
      { ...line, size: 52, space: 28, values: (_, splits) => splits.map((v) => d.value?.(v) ?? String(v)) },
    ],
    series: [{}, ...d.lines.map((l, i) => ({ label: l.label, stroke: token(TOKENS[i % TOKENS.length] as string), width: 1.5, spanGaps: false, points: { show: l.points.length < 3 } }))],
    hooks: { draw: [(u) => drawMark(u, d.mark)] },
  };
}

function drawMark(u: uPlot, mark: number | undefined): void {
  if (mark === undefined) return;
  const x = u.valToPos(mark / 1000, 'x', true);
  u.ctx.save();
  u.ctx.strokeStyle = token('--critical');
  u.ctx.setLineDash([6, 4]);
  u.ctx.beginPath();
  u.ctx.moveTo(x, u.bbox.top);
  u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
  u.ctx.stroke();
  u.ctx.restore();
}

/** Draws into an element and follows its width and the colours of the page, until the returned function is called. */
export function plot(into: HTMLElement, d: Drawing, height: number): () => void {
  let chart: uPlot | null = null;
  const draw = () => {
    chart?.destroy();
    chart = new uPlot(options(d, Math.max(into.clientWidth, 80), height), aligned(d.lines), into);
  };
  draw();
  const sized = new ResizeObserver(() => into.clientWidth > 0 && chart?.setSize({ width: into.clientWidth, height }));
  const themed = new MutationObserver(draw);
  sized.observe(into);
  themed.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => {
    sized.disconnect();
    themed.disconnect();
    chart?.destroy();
  };
}
