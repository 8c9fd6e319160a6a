/** The feed's filters as controls, and the views that an account saved. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useWords } from '../i18n';
import { errorText } from '../problem';
import { ALERT_STATES, FAMILIES, KINDS, SEVERITIES } from '../types';
import { ANSWERS, isEmpty, noFilter, same, type FeedFilter } from './filter';
import { MAX_NAME, MAX_SAVED, useSaved, type SavedFilter } from './saved';

interface BarProps {
  filter: FeedFilter;
  onChange: (f: FeedFilter) => void;
}

export function FeedFilterBar({ filter, onChange }: BarProps) {
  const words = useWords();
  const set = (part: Partial<FeedFilter>) => onChange({ ...filter, ...part });
  const { saved, error, put, remove } = useSaved();
  const chosen = saved?.find((s) => same(s.filter, filter));
  const [more, setMore] = useState(filter.edge + filter.device + filter.family + filter.exercise !== '');
  const props = { filter, set };
  return (
    <div class="filters feed-filters" role="group" aria-label={words.t('feed.filters')} title={words.t('feed.filter.note')}>
      {saved && saved.length > 0 && <Views saved={saved} chosen={chosen} filter={filter} onChange={onChange} />}
      <Select {...props} name="severity" options={[...SEVERITIES].reverse().map((s) => [s, s === 'critical' || s === 'info' ? words.word('severity', s) : words.t('cases.severityFrom', { severity: words.word('severity', s) })])} first={!saved || saved.length === 0} />
      <Select {...props} name="kind" options={KINDS.map((k) => [k, words.word('kind', k)])} />
      <Text {...props} name="grid" hint={words.t('feed.filter.gridHint')} />
      <Select {...props} name="state" options={ALERT_STATES.map((s) => [s, words.word('alertState', s)])} />
      <button type="button" class="button button-quiet" data-testid="filter-more" aria-expanded={more} onClick={() => setMore(!more)}>{words.t('feed.filter.more')}</button>
      {more && (
        <>
          <Text {...props} name="device" />
          <Text {...props} name="edge" />
          <Select {...props} name="family" options={FAMILIES.map((f) => [f, words.word('family', f)])} />
          <Select {...props} name="exercise" options={ANSWERS.map((a) => [a, words.word('feed.filter.exercise', a)])} />
        </>
      )}
      {!isEmpty(filter) && <button type="button" class="button button-quiet" data-testid="filter-reset" onClick={() => onChange(noFilter)}>{words.t('feed.filter.reset')}</button>}
      {saved && !isEmpty(filter) && !chosen && <Saver full={saved.length >= MAX_SAVED} onSave={(name) => put(name, filter)} />}
      {chosen && <button type="button" class="button button-quiet" data-testid="view-remove" onClick={() => void remove(chosen.name)}>{words.t('feed.filter.remove')}</button>}
      {error !== null && <p class="form-error" role="alert" data-testid="view-error">{errorText(words, error)}</p>}
    </div>
  );
}

function Views({ saved, chosen, filter, onChange }: BarProps & { saved: readonly SavedFilter[]; chosen: SavedFilter | undefined }) {
  const words = useWords();
  const value = chosen?.name ?? '';
  return (
    <Labelled title={words.t('feed.filter.view')}>
      <select class="input" data-testid="view" data-first-filter="" value={value} onChange={(e) => onChange(saved.find((s) => s.name === e.currentTarget.value)?.filter ?? noFilter)}>
        <option value="">{words.t(isEmpty(filter) ? 'feed.filter.all' : 'feed.filter.own')}</option>
        {saved.map((s) => <option key={s.name} value={s.name}>{s.name}</option>)}
      </select>
    </Labelled>
  );
}

function Labelled({ title, children }: { title: string; children: ComponentChildren }) {
  return <label class="filter"><span>{title}</span>{children}</label>;
}

interface PartProps {
  filter: FeedFilter;
  set: (part: Partial<FeedFilter>) => void;
}

function Select({ filter, set, name, options, first = false }: PartProps & { name: 'severity' | 'kind' | 'state' | 'family' | 'exercise'; options: readonly (readonly [string, string])[]; first?: boolean }) {
  const words = useWords();
  return (
    <Labelled title={words.word('feed.filter', name)}>
      <select class="input" data-testid={`feed-${name}`} {...(first ? { 'data-first-filter': '' } : {})} value={filter[name]} onChange={(e) => set({ [name]: e.currentTarget.value })}>
        <option value="">{words.t('feed.filter.any')}</option>
        {options.map(([value, title]) => <option key={value} value={value}>{title}</option>)}
      </select>
    </Labelled>
  );
}

/** A field that filters when it is left or Enter is pressed: not while an input method composes. */
function Text({ filter, set, name, hint }: PartProps & { name: 'grid' | 'device' | 'edge'; hint?: string }) {
  const words = useWords();
  return (
    <Labelled title={words.word('feed.filter', name)}>
      <input class="input input-filter" data-testid={`feed-${name}`} maxLength={64} value={filter[name]} placeholder={hint} {...(name === 'grid' ? { inputMode: 'numeric' as const } : {})}
        onChange={(e) => set({ [name]: name === 'grid' ? e.currentTarget.value.replace(/[^0-9]/g, '').slice(0, 20) : e.currentTarget.value.trim() })} />
    </Labelled>
  );
}

function Saver({ full, onSave }: { full: boolean; onSave: (name: string) => Promise<boolean> }) {
  const words = useWords();
  const [name, setName] = useState<string | null>(null);
  if (full) return <span class="muted">{words.t('feed.filter.full', { n: MAX_SAVED })}</span>;
  if (name === null) return <button type="button" class="button" data-testid="view-save" onClick={() => setName('')}>{words.t('feed.filter.save')}</button>;
  const submit = async (e: Event) => {
    e.preventDefault();
    if (name.trim() !== '') await onSave(name.trim());
  };
  return (
    <form class="view-form" onSubmit={(e) => void submit(e)}>
      <input class="input" data-testid="view-name" aria-label={words.t('feed.filter.name')} maxLength={MAX_NAME} placeholder={words.t('feed.filter.nameHint')} value={name} autofocus onInput={(e) => setName(e.currentTarget.value)} />
      <button type="submit" class="button" data-testid="view-confirm" disabled={name.trim() === ''}>{words.t('feed.filter.save')}</button>
      <button type="button" class="button button-quiet" onClick={() => setName(null)}>{words.t('app.cancel')}</button>
    </form>
  );
}
