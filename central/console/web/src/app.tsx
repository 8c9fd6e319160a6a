/** The application: language, session, and which page is shown. */
import { useCallback, useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { api, ApiError, whenUnauthorized } from './api';
import { FeedStore } from './feed/store';
import { rememberedLang, rememberLang, useWords, WordsContext, wordsOf, type Lang } from './i18n';
import { navigate, usePlace, type Place } from './router';
import { routeOf } from './routes';
import type { Session } from './types';
import { Empty, Failure, Link, Loading } from './ui/bits';
import { Login } from './ui/login';
import { SessionContext } from './ui/session';
import { LangContext, Shell } from './ui/shell';
import { forgetWorker, isWorker, narrow, rememberedWorker, rememberWorker } from './worker/remember';

export function App() {
  const [lang, setLang] = useState<Lang>(rememberedLang);
  useEffect(() => {
    document.documentElement.lang = lang;
  }, [lang]);
  const choose = useCallback((l: Lang) => {
    rememberLang(l);
    setLang(l);
  }, []);
  const words = useMemo(() => wordsOf(lang), [lang]);
  return (
    <LangContext.Provider value={choose}>
      <WordsContext.Provider value={words}>
        <Gate />
      </WordsContext.Provider>
    </LangContext.Provider>
  );
}

type Access = { session: Session } | { session: null; expired: boolean } | 'unknown' | 'unreachable';

/** Shows the sign-in page until there is a session, and again when it is over. */
function Gate() {
  const [access, setAccess] = useState<Access>('unknown');
  const over = useCallback((expired: boolean) => {
    forgetWorker();
    setAccess({ session: null, expired });
  }, []);
  const enter = useCallback((session: Session) => {
    rememberWorker(session);
    setAccess(begin(session));
  }, []);
  const ask = useCallback(() => {
    setAccess('unknown');
    api.session().then(enter, (err: unknown) => (err instanceof ApiError && err.status === 401 ? over(false) : setAccess(withoutCentral())));
  }, []);
  useEffect(ask, []);
  useEffect(() => whenUnauthorized(() => over(true)), []);
  if (access === 'unknown') return <Loading />;
  if (access === 'unreachable') return <main class="login"><Failure error={null} retry={ask} /></main>;
  if (!access.session) return <Login expired={access.expired} onSession={enter} />;
  return (
    <Console session={access.session} onOver={over} />
  );
}

/** A worker's telephone opens in a dead zone, too: on what it knows already. */
function withoutCentral(): Access {
  const session = rememberedWorker();
  return session ? begin(session) : 'unreachable';
}

/** A worker on a telephone begins at their cases. */
function begin(session: Session): Access {
  if (isWorker(session) && location.pathname === '/' && narrow()) navigate('/work', true);
  return { session };
}

function Console({ session, onOver }: { session: Session; onOver: (expired: boolean) => void }) {
  const place = usePlace();
  const bare = routeOf(place.path, session)?.bare ?? false;
  const store = useMemo(() => new FeedStore(() => onOver(true)), [bare]);
  useEffect(() => {
    if (bare) return;
    store.start();
    return () => store.stop();
  }, [store, bare]);
  const signOut = () => void api.signOut().catch(() => undefined).then(() => onOver(false));
  if (bare) return <SessionContext.Provider value={session}><CurrentPage place={place} store={store} /></SessionContext.Provider>;
  return (
    <SessionContext.Provider value={session}>
      <Shell store={store} session={session} path={place.path} onSignOut={signOut}>
        <CurrentPage place={place} store={store} />
      </Shell>
    </SessionContext.Provider>
  );
}

function CurrentPage({ place, store }: { place: Place; store: FeedStore }) {
  const words = useWords();
  const route = routeOf(place.path, useContext(SessionContext));
  if (!route) return <Empty title={words.t('app.notFound')} heading><Link href="/" class="button">{words.t('app.backToFeed')}</Link></Empty>;
  const Shown = route.page;
  return <Shown place={place} store={store} params={route.params} />;
}
