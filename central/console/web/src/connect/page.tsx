/** Connect: an edge looks for cameras near it, and proposes how to configure them. No address and no password is typed here. */
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { useWords, type Key } from '../i18n';
import { useKeys } from '../keys';
import { errorText } from '../problem';
import { navigate } from '../router';
import type { PageProps } from '../routes';
import { Empty, Failure, Link, Loading, Time, useTitle, useToday } from '../ui/bits';
import { IconLeft } from '../ui/icons';
import { SessionContext } from '../ui/session';
import { span } from '../format';
import { NOTES, askDiscovery, discoveriesOf, discoveryOf, type Discovery, type Found, type Note } from './api';
import { fileOf, SECONDS, whatOf } from './file';

export function ConnectPage({ params: [raw = ''] }: PageProps) {
  const words = useWords();
  useTitle(words.t('connect.title'));
  if (!useContext(SessionContext).scopes.includes('configure')) return <section class="page"><Empty title={words.t('connect.forbidden')} heading /></section>;
  return <Connect edge={decodeURIComponent(raw)} />;
}

function Connect({ edge }: { edge: string }) {
  const words = useWords();
  const search = useSearch(edge);
  const back = `/devices/${encodeURIComponent(edge)}`;
  useKeys('connect.keys', [
    { key: 'b', word: 'cameras.key.back', run: () => navigate(back) },
    { key: 's', word: 'connect.ask', run: search.ask },
  ]);
  return (
    <section class="page" aria-labelledby="connect-title" data-testid="connect-page">
      <Link href={back} class="back"><IconLeft size={18} />{words.t('connect.back', { edge })}</Link>
      <div class="page-head"><h1 id="connect-title">{words.t('connect.title')}</h1><span class="name muted">{edge}</span></div>
      <Ask search={search} />
      {search.list === null && (search.failed ? <Failure error={search.failed} retry={search.reload} /> : <Loading />)}
      {search.list?.length === 0 && !search.shown && <p class="muted">{words.t('connect.none')}</p>}
      {search.shown && <Outcome discovery={search.shown} edge={edge} />}
    </section>
  );
}

interface Search {
  list: readonly Discovery[] | null;
  shown: Discovery | null;
  busy: boolean;
  failed: unknown;
  error: unknown;
  seconds: number;
  setSeconds: (n: number) => void;
  ask: () => void;
  show: (d: Discovery) => void;
  reload: () => void;
}

/** The searches of an edge, the one that is shown, and how to ask for another. */
function useSearch(edge: string): Search {
  const [list, setList] = useState<readonly Discovery[] | null>(null);
  const [shown, setShown] = useState<Discovery | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [error, setError] = useState<unknown>(null);
  const [asking, setAsking] = useState(false);
  const [seconds, setSeconds] = useState<number>(SECONDS[0]);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    discoveriesOf(edge, abort.signal).then(
      (all) => {
        if (abort.signal.aborted) return;
        setList(all);
        setFailed(null);
        setShown((was) => was ?? all[0] ?? null);
      },
      (err: unknown) => abort.signal.aborted || setFailed(err),
    );
    return () => abort.abort();
  }, [edge, round]);
  useResult(shown, (d) => {
    setShown(d);
    setList((all) => all?.map((o) => (o.id === d.id ? { ...o, done: d.done } : o)) ?? null);
  }, setError);
  const busy = asking || (list ?? []).some((d) => !d.done);
  const ask = () => {
    if (busy) return;
    setAsking(true);
    setError(null);
    askDiscovery(edge, seconds).then((d) => {
      setList((all) => [d, ...(all ?? [])]);
      setShown(d);
    }, setError).finally(() => setAsking(false));
  };
  return { list, shown, busy, failed, error, seconds, setSeconds, ask, show: setShown, reload: () => setRound((n) => n + 1) };
}

/** Waits for the result of a search while it is shown. */
function useResult(of: Discovery | null, take: (d: Discovery) => void, fail: (err: unknown) => void): void {
  const latest = useRef({ take, fail });
  latest.current = { take, fail };
  const id = of && !of.result ? of.id : '';
  useEffect(() => {
    if (id === '') return undefined;
    const abort = new AbortController();
    void (async () => {
      try {
        for (let d: Discovery | null = null; !abort.signal.aborted && !d?.result; ) {
          d = await discoveryOf(id, abort.signal);
          if (d.result && !abort.signal.aborted) latest.current.take(d);
        }
      } catch (err) {
        if (!abort.signal.aborted) latest.current.fail(err);
      }
    })();
    return () => abort.abort();
  }, [id]);
}

function Ask({ search: s }: { search: Search }) {
  const words = useWords();
  const today = useToday();
  return (
    <div class="card block connect-ask">
      <p>{words.t('connect.what')}</p>
      <p class="muted small">{words.t('connect.secrets')}</p>
      <div class="filters">
        <label class="filter">
          {words.t('connect.for')}
          <select class="input" data-testid="connect-for" value={String(s.seconds)} onChange={(e) => s.setSeconds(Number(e.currentTarget.value))}>
            {SECONDS.map((n) => <option key={n} value={String(n)}>{span(words, n * 1000)}</option>)}
          </select>
        </label>
        <button type="button" class="button button-primary" data-testid="connect-search" disabled={s.busy} onClick={s.ask}>{words.t(s.busy ? 'connect.busy' : 'connect.ask')}</button>
        {s.list && s.list.length > 1 && (
          <label class="filter">
            {words.t('connect.earlier')}
            <select class="input" data-testid="connect-earlier" value={s.shown?.id ?? ''} onChange={(e) => { const d = s.list?.find((o) => o.id === e.currentTarget.value); if (d) s.show(d); }}>
              {s.list.map((d) => <option key={d.id} value={d.id}>{new Date(d.at).toLocaleString(words.lang)} · {d.by}</option>)}
            </select>
          </label>
        )}
        {s.shown && <span class="muted">{words.t('connect.by', { by: s.shown.by })} <Time at={s.shown.at} today={today} /></span>}
      </div>
      <div role="status" data-testid="connect-said">
        {s.error !== null && <p class="form-error">{errorText(words, s.error)}</p>}
        {s.shown && !s.shown.result && s.error === null && <p>{words.t('connect.waiting')}</p>}
        {s.shown?.result && !s.shown.result.why && <p>{words.t('connect.found', { n: s.shown.result.found.length })}</p>}
      </div>
    </div>
  );
}

/** Why an edge did not look, as it words it (edge/app). */
const WHY: Readonly<Record<string, Key>> = {
  'the file of the edge says discovery.orders: off': 'connect.why.off', 'the edge could not search: no interface took the question': 'connect.why.noInterface',
};

function Outcome({ discovery: { result: r }, edge }: { discovery: Discovery; edge: string }) {
  const words = useWords();
  if (!r) return null;
  if (r.why) return <p class="muted" data-testid="connect-why">{words.t('connect.why')} {WHY[r.why] ? words.t(WHY[r.why]!) : <span lang="en">{r.why}</span>}</p>;
  if (r.found.length === 0) return <p class="muted">{words.t('connect.nothing')}</p>;
  return (
    <>
      {r.more && <p class="muted">{words.t('connect.more')}</p>}
      <div class="filters">
        <Copy text={fileOf(r.found)} word="connect.copyAll" testid="connect-copy-all" />
        <span class="muted small">{words.t('connect.next', { edge })}</span>
      </div>
      {r.found.map((f) => <Device key={f.address} found={f} />)}
    </>
  );
}

const isNote = (code?: string): code is Note => (NOTES as readonly string[]).includes(code ?? '');

function Device({ found: f }: { found: Found }) {
  const words = useWords();
  const text = fileOf([f]);
  return (
    <article class="card block connect-found" data-testid="connect-found" data-address={f.address} aria-label={f.address}>
      <h2><span class="name">{f.address}</span><span class="muted">{f.protocols.join(' · ')}</span></h2>
      <p>{whatOf(f) || words.t('connect.unknown')}</p>
      {f.notes.map((note, i) => {
        const told = f.said?.[i];
        return isNote(told?.code) ? <span key={note} class="said">{words.t(`deviceNote.${told.code}`, told.args)}</span> : <span key={note} class="said" lang="en">{note}</span>;
      })}
      {text !== '' && (
        <details>
          <summary>{words.t('connect.proposal')}</summary>
          <pre class="connect-file" lang="en" tabIndex={0} data-testid="connect-file" aria-label={words.t('connect.proposal')}>{text}</pre>
          <Copy text={text} word="connect.copy" testid="connect-copy" />
        </details>
      )}
    </article>
  );
}

/** Copies a text; where the browser does not let a page do so, the text is there to be marked by hand. */
function Copy({ text, word, testid }: { text: string; word: 'connect.copy' | 'connect.copyAll'; testid: string }) {
  const words = useWords();
  const [said, setSaid] = useState<'connect.copied' | 'connect.notCopied' | null>(null);
  const copy = () => {
    (navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'))).then(() => setSaid('connect.copied'), () => setSaid('connect.notCopied'));
  };
  return (
    <span class="connect-copy">
      <button type="button" class="button" data-testid={testid} onClick={copy}>{words.t(word)}</button>
      <span role="status" class="muted small">{said && words.t(said)}</span>
    </span>
  );
}
