/** The application: language, session, and which page is shown. */
import { useCallback, useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { api, ApiError, whenUnauthorized } from './api';
import { FeedStore } from './feed/store';
import { rememberedLang, rememberLang, useWords, WordsContext, wordsOf, type Lang } from './i18n';
import { usePlace, type Place } from './router';
import { routeOf } from './routes';
import type { Session } from './types';
import { Empty, Failure, Link, Loading } from './ui/bits';
import { Login } from './ui/login';
import { SessionContext } from './ui/session';
import { LangContext, Shell } from './ui/shell';

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
  const ask = useCallback(() => {
    setAccess('unknown');
    api.session().then(
      (session) => setAccess({ session }),
      (err: unknown) => setAccess(err instanceof ApiError && err.status === 401 ? { session: null, expired: false } : 'unreachable'),
    );
  }, []);
  useEffect(ask, []);
  useEffect(() => whenUnauthorized(() => setAccess({ session: null, expired: true })), []);
  if (access === 'unknown') return <Loading />;
  if (access === 'unreachable') return <main class="login"><Failure error={null} retry={ask} /></main>;
  if (!access.session) return <Login expired={access.expired} onSession={(session) => setAccess({ session })} />;
  return (
    <Console session={access.session} onOver={(expired) => setAccess({ session: null, expired })} />
  );
}

function Console({ session, onOver }: { session: Session; onOver: (expired: boolean) => void }) {
  const place = usePlace();
  const store = useMemo(() => new FeedStore(() => onOver(true)), []);
  useEffect(() => {
    store.start();
    return () => store.stop();
  }, [store]);
  const signOut = () => void api.signOut().catch(() => undefined).then(() => onOver(false));
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
  if (!route) return <Empty title={words.t('app.notFound')}><Link href="/" class="button">{words.t('app.backToFeed')}</Link></Empty>;
  const Shown = route.page;
  return <Shown place={place} store={store} params={route.params} />;
}
