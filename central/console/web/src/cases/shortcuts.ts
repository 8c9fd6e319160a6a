/** Which key does which action of a case. An action without a key of its own is reached by its button. Pure. */
import type { Key } from '../i18n';
import type { Offer } from '../types';

interface Shortcut {
  key: string;
  word: Key;
  /** The first of these that is offered. Ids of the shipped workflows; one of a centre's own is done by its button. */
  actions: readonly string[];
}

export const SHORTCUTS: readonly Shortcut[] = [
  { key: 'a', word: 'desk.key.acknowledge', actions: ['acknowledge', 'accept'] },
  { key: 's', word: 'desk.key.snooze', actions: ['snooze'] },
  { key: 'd', word: 'desk.key.dispatch', actions: ['dispatch', 'redispatch'] },
  { key: 'b', word: 'desk.key.back', actions: ['send-back'] },
  { key: 'i', word: 'desk.key.assign', actions: ['assign', 'hand-over'] },
  { key: 'v', word: 'desk.key.verify', actions: ['verify'] },
  { key: 'x', word: 'desk.key.false', actions: ['false-alarm'] },
  { key: 'p', word: 'desk.key.park', actions: ['park', 'unpark'] },
  { key: 'e', word: 'desk.key.extend', actions: ['extend'] },
];

/** The offer that a shortcut stands for; undefined where none of its actions is possible now. */
export function offered(s: Shortcut, offers: readonly Offer[]): Offer | undefined {
  return s.actions.flatMap((a) => offers.filter((o) => o.action === a))[0];
}

/** The key of an action, for its button. */
export function keyOf(action: string, offers: readonly Offer[]): string | undefined {
  return SHORTCUTS.find((s) => offered(s, offers)?.action === action)?.key;
}
