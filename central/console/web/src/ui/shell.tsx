/** The frame around every page: navigation, the state of the connection, the clock, language and sign-out. */
import { createContext, type ComponentChildren } from 'preact';
import { useContext } from 'preact/hooks';
import { LineBanner } from '../feed/banner';
import { BellButton, BellChoices, BellProvider, useNewBell } from '../feed/bell';
import type { FeedStore } from '../feed/store';
import { useStore } from '../feed/store';
import { clock } from '../format';
import { useWords, type Lang } from '../i18n';
import { Keyboard, useKeys } from '../keys';
import { navigate, parsePlace } from '../router';
import { routes } from '../routes';
import type { Session } from '../types';
import { Link, useTicking } from './bits';
import { IconLang, IconOut } from './icons';
import { Menu } from './menu';
import { SessionContext } from './session';

export const LangContext = createContext<(lang: Lang) => void>(() => {});

export function LangSwitch() {
  const words = useWords();
  const choose = useContext(LangContext);
  const other: Lang = words.lang === 'en' ? 'zh-CN' : 'en';
  return (
    <button type="button" class="button button-quiet" data-testid="lang-switch" title={words.t('user.switchLang')} onClick={() => choose(other)}>
      <IconLang size={18} /><span lang={other}>{words.t('user.langName')}</span>
    </button>
  );
}

interface ShellProps {
  store: FeedStore;
  session: Session;
  path: string;
  onSignOut: () => void;
  children: ComponentChildren;
}

export function Shell({ store, session, path, onSignOut, children }: ShellProps) {
  const words = useWords();
  useStore(store);
  useKeys('keys.everywhere', [
    { key: 'g f', word: 'keys.goFeed', run: () => navigate('/') },
    { key: 'g c', word: 'keys.goCases', run: () => navigate('/cases?state=open') },
    { key: 'g r', word: 'keys.goReport', run: () => navigate('/report') },
    { key: 'g d', word: 'keys.goDevices', run: () => navigate('/devices') },
    { key: 'g t', word: 'figures.goto', run: () => navigate('/figures') },
    { key: 'g h', word: 'shift.goto', run: () => navigate('/shift') },
  ]);
  const bell = useNewBell(store);
  return (
    <BellProvider value={bell}><div class="shell">
      <Keyboard />
      <a class="skip" href="#main">{words.t('app.skip')}</a>
      <Rail path={path} open={openCount(store)} />
      <header class="topbar">
        <span class="product">{words.t('app.name')}</span>
        <span class="spacer" />
        <LineState store={store} />
        <Clock />
        <span class="divider" aria-hidden="true" />
        <BellButton />
        <Menu><BellChoices /></Menu>
        <LangSwitch />
        <span class="user"><span class="muted">{words.word('role', session.role)}</span> {session.user}</span>
        <button type="button" class="button button-quiet" data-testid="sign-out" onClick={onSignOut}>
          <IconOut size={18} /><span>{words.t('user.signOut')}</span>
        </button>
      </header>
      <LineBanner store={store} />
      <main id="main" class="main" tabIndex={-1}>{children}</main>
    </div></BellProvider>
  );
}

function openCount(store: FeedStore): string {
  let n = 0;
  for (const c of store.cases.values()) if (c.state === 'open' && !c.parent) n++;
  return n === 0 ? '' : n > 99 || store.capped ? '99+' : String(n);
}

const pathOf = (href: string): string => parsePlace(href).path;

function Rail({ path, open }: { path: string; open: string }) {
  const words = useWords();
  const session = useContext(SessionContext);
  return (
    <nav class="rail" aria-label={words.t('nav.label')}>
      <img class="rail-mark" src="/icon.svg" alt="" width={32} height={32} />
      {routes.map((r) => r.rail && (r.may?.(session) ?? true) && (
        <Link key={r.rail.href} class="rail-link" href={r.rail.href} testid={r.rail.testid} current={r.path.test(path) || (r.rail.href !== '/' && path.startsWith(`${pathOf(r.rail.href)}/`))}>
          <r.rail.icon size={22} /><span>{words.t(r.rail.word)}</span>
          {r.rail.word === 'nav.cases' && open && <span class="badge"><span class="sr-only">{words.word('caseState', 'open')} </span>{open}</span>}
        </Link>
      ))}
    </nav>
  );
}

function LineState({ store }: { store: FeedStore }) {
  const words = useWords();
  return (
    <span class={`line line-${store.line}`} data-testid="line-state" data-state={store.line}>
      <i class="line-dot" aria-hidden="true" />{words.t(`conn.${store.line}`)}
    </span>
  );
}

function Clock() {
  const { lang } = useWords();
  return <span class="clock">{useTicking(() => clock(lang, new Date()), 1000)}</span>;
}
