/** The case filters as controls. */
import { useWords } from '../i18n';
import { pick } from '../i18n/pick';
import { CASE_STATES, KINDS, LEVELS, ORIGINS, SEVERITIES, type Kind, type Severity } from '../types';
import { useClasses, useTitles, useUnits, useWorkflows } from './catalog';
import { noFilter, type CaseFilter } from './filter';
import { stepsOf } from './titles';

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
      <MoreFilters filter={filter} set={set} />
      <label class="check"><input type="checkbox" data-testid="filter-overdue" checked={filter.overdue === 'yes'} onChange={(e) => set({ overdue: e.currentTarget.checked ? 'yes' : '' })} /> {words.t('cases.overdue')}</label>
      <label class="check"><input type="checkbox" data-testid="filter-merged" checked={filter.merged === 'yes'} onChange={(e) => set({ merged: e.currentTarget.checked ? 'yes' : '' })} /> {words.t('cases.merged')}</label>
      {active && <button type="button" class="button button-quiet" onClick={() => onChange(noFilter)}>{words.t('cases.reset')}</button>}
    </div>
  );
}

function severityOption(words: ReturnType<typeof useWords>, s: Severity): string {
  const severity = words.word('severity', s);
  return s === 'critical' ? severity : words.t('cases.severityFrom', { severity });
}

interface SelectProps {
  name: 'step' | 'unit' | 'level' | 'class' | 'origin';
  filter: CaseFilter;
  set: (part: Partial<CaseFilter>) => void;
  options: readonly (readonly [value: string, title: string])[];
}

/** A filter by one value. What the address says stays to be seen, though it may be no option. */
function Select({ name, filter, set, options }: SelectProps) {
  const words = useWords();
  const value = filter[name];
  const known = value === '' || options.some(([v]) => v === value);
  return (
    <label class="filter">
      <span>{words.t(`cases.${name}`)}</span>
      <select class="input" data-testid={`filter-${name}`} value={value} onChange={(e) => set({ [name]: e.currentTarget.value })}>
        <option value="">{words.t('cases.all')}</option>
        {!known && <option value={value}>{value}</option>}
        {options.map(([v, title]) => <option key={v} value={v}>{title}</option>)}
      </select>
    </label>
  );
}

function MoreFilters(props: Pick<SelectProps, 'filter' | 'set'>) {
  const words = useWords();
  const titles = useTitles();
  const units = useUnits();
  const classes = useClasses();
  return (
    <>
      <Select {...props} name="step" options={stepsOf(useWorkflows()).map((s) => [s, titles.step(undefined, s)])} />
      {(units.length > 0 || props.filter.unit !== '') && <Select {...props} name="unit" options={units.map((u) => [u.id, pick(words, u.title) || u.id])} />}
      <Select {...props} name="level" options={LEVELS.map((l) => [l, words.word('level', l)])} />
      <Select {...props} name="class" options={classes.map((c) => [c.code, `${c.code} ${pick(words, c.title)}`])} />
      <Select {...props} name="origin" options={ORIGINS.map((o) => [o, words.word('origin', o)])} />
    </>
  );
}
