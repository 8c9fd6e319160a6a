/** Pieces that the pages of a handover share. */
import { useContext } from 'preact/hooks';
import { useWords, type Words } from '../i18n';
import { SessionContext } from '../ui/session';
import type { HandoverState } from './api';

export function StateChip({ state }: { state: HandoverState }) {
  const words = useWords();
  return <span class={`chip chip-shift-${state}`}><i class="chip-dot" aria-hidden="true" />{words.word('shift.state', state)}</span>;
}

/** Whether this account sits at the desk; central decides, this only spares a refusal. */
export function useDesk(): boolean {
  const { role } = useContext(SessionContext);
  return role === 'operator' || role === 'supervisor';
}

export function areaText(words: Words, grids: readonly string[]): string {
  return grids.length === 0 ? words.t('shift.allGrids') : grids.join(', ');
}
