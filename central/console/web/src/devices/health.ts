/** Which devices are well, and in which order they are shown. Pure. */
import { CAMERA_STATES, SENSOR_STATES, type Device } from '../types';

export type Health = 'ok' | 'wait' | 'bad';

export function healthOf(d: Device): Health {
  if (d.state === 'streaming' || d.state === 'online') return 'ok';
  return d.state === 'connecting' || d.state === 'unknown' ? 'wait' : 'bad';
}

const order: Readonly<Record<Health, number>> = { bad: 0, wait: 1, ok: 2 };

/** Trouble first, then by name. */
export function sorted(devices: readonly Device[]): Device[] {
  return [...devices].sort((a, b) => order[healthOf(a)] - order[healthOf(b)] || a.id.localeCompare(b.id));
}

/** An edge's clock this far off makes its times hard to compare, in milliseconds. */
export const SKEW_LIMIT = 2000;

/** An alert that waits longer than this is trouble, in seconds: a life-safety one, and of the other lanes (central/api). */
export const waitsLong = (l: { lane: string; pending: number; oldestSec: number }): boolean =>
  l.pending > 0 && l.oldestSec > (l.lane === 'life-safety' ? 60 : 600);

/** The five causes that an edge names for a camera, as it words them. */
const CAUSES: Readonly<Record<string, string>> = {
  'the camera refused the user name or password': 'auth-failed',
  'the camera does not answer': 'unreachable',
  'the stream has no keyframe': 'no-keyframe',
  'the stream stopped sending': 'stalled',
  'the stream has no video that this edge can decode': 'unsupported',
};

const EXPLAINED: readonly string[] = [...CAMERA_STATES, ...SENSOR_STATES].filter((s) => s !== 'streaming' && s !== 'online');

/** The cause to explain in the reader's language, and what the edge said beyond it. */
export function explain(d: Device): { cause: string; said: string } {
  const said = (d.why ?? '').trim();
  const cause = CAUSES[said];
  if (cause) return { cause, said: '' };
  return { cause: EXPLAINED.includes(d.state) ? d.state : '', said };
}
