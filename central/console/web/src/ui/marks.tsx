/** Small marks that say a state by shape, colour and word at once. */
import type { Tone } from '../cases/deadlines';
import type { CaseState, Severity } from '../types';
import { useWords } from '../i18n';

const severityShapes: Readonly<Record<Severity, preact.JSX.Element>> = {
  critical: <><path class="fill" d="M5.3 1h5.4L15 5.3v5.4L10.7 15H5.3L1 10.7V5.3z" /><path class="cut" d="M8 4.3v4.4M8 11.4v.2" /></>,
  major: <><path class="fill" d="M8 1.5 15.3 14.5H.7z" /><path class="cut" d="M8 6.3v3.7M8 12.2v.1" /></>,
  minor: <path class="fill" d="M8 1.2 14.8 8 8 14.8 1.2 8z" />,
  info: <path class="ring" d="M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z" />,
};

/** Octagon, triangle, diamond, ring: told apart without colour. */
export function SeverityMark({ severity, bare = false }: { severity: Severity; bare?: boolean }) {
  const words = useWords();
  const word = words.word('severity', severity);
  return (
    <span class={`severity severity-${severity}`}>
      <svg class="severity-shape" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {severityShapes[severity] ?? severityShapes.info}
      </svg>
      <span class={bare ? 'sr-only' : 'severity-word'}>{word}</span>
    </span>
  );
}

export function CaseStateChip({ state }: { state: CaseState }) {
  const words = useWords();
  return <span class={`chip chip-case-${state}`}><i class="chip-dot" aria-hidden="true" />{words.word('caseState', state)}</span>;
}

export function ExerciseTag() {
  const words = useWords();
  return <span class="tag tag-exercise">{words.t('alert.exercise')}</span>;
}

const toneShapes: Readonly<Record<Tone, preact.JSX.Element>> = {
  calm: <path class="ring" d="M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3.2l2 1.4" />,
  yellow: severityShapes.major,
  red: severityShapes.critical,
  still: <path class="bars" d="M5.5 3.5v9M10.5 3.5v9" />,
  met: <path class="bars" d="m3 8.5 3.3 3.3L13 5" />,
  late: <path class="bars" d="m3.5 3.5 9 9M12.5 3.5l-9 9" />,
};

/** A deadline's nearness: clock, triangle, octagon, two bars, tick, cross; told apart without colour. */
export function ToneMark({ tone, label }: { tone: Tone; label?: string }) {
  return (
    <span class={`tone tone-${tone}`} data-tone={tone}>
      <svg class="severity-shape" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{toneShapes[tone]}</svg>
      {label && <span class="sr-only">{label}</span>}
    </span>
  );
}
