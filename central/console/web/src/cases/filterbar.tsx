/** The case filters as controls. */
import { useWords } from '../i18n';
import { CASE_STATES, KINDS, SEVERITIES, type Kind, type Severity } from '../types';
import { noFilter, type CaseFilter } from './filter';

interface FilterBarProps {
  filter: CaseFilter;
  onChange: (f: CaseFilter) => void;
}

export function FilterBar({ filter, onChange }: FilterBarProps) {
  const words = useWords();
  const set = (part: Partial<CaseFilter>) => onChange({ ...filter, ...part });
  const active = Object.values(filter).some((v) => v !== '');
  return (
    <div class="filters" role="group" aria-label={words.t('cases.filters')}>
      <div class="segments" role="group" aria-label={words.t('cases.state')}>
        {(['', ...CASE_STATES] as const).map((s) => (
          <button type="button" key={s} class="segment" data-testid={`filter-state-${s || 'all'}`} aria-pressed={filter.state === s} onClick={() => set({ state: s })}>
            {s === '' ? words.t('cases.all') : words.word('caseState', s)}
          </button>
        ))}
      </div>
      <label class="filter">
        <span>{words.t('cases.severity')}</span>
        <select class="input" data-testid="filter-severity" value={filter.severity} onChange={(e) => set({ severity: e.currentTarget.value as Severity | '' })}>
          <option value="">{words.t('cases.all')}</option>
          {SEVERITIES.slice(1).reverse().map((s) => <option key={s} value={s}>{severityOption(words, s)}</option>)}
        </select>
      </label>
      <label class="filter">
        <span>{words.t('cases.kind')}</span>
        <select class="input" data-testid="filter-kind" value={filter.kind} onChange={(e) => set({ kind: e.currentTarget.value as Kind | '' })}>
          <option value="">{words.t('cases.all')}</option>
          {KINDS.map((k) => <option key={k} value={k}>{words.word('kind', k)}</option>)}
        </select>
      </label>
      <label class="filter">
        <span>{words.t('cases.grid')}</span>
        <input class="input input-grid" data-testid="filter-grid" inputMode="numeric" maxLength={20} value={filter.grid} placeholder={words.t('cases.gridHint')}
          onChange={(e) => set({ grid: e.currentTarget.value.replace(/[^0-9]/g, '') })} />
      </label>
      {active && <button type="button" class="button button-quiet" onClick={() => onChange(noFilter)}>{words.t('cases.reset')}</button>}
    </div>
  );
}

function severityOption(words: ReturnType<typeof useWords>, s: Severity): string {
  const severity = words.word('severity', s);
  return s === 'critical' ? severity : words.t('cases.severityFrom', { severity });
}
