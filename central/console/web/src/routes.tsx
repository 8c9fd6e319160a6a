/** Which page a path shows, and which of them the rail offers. A page beside the feed and the cases is loaded when it is first opened. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { CasePage } from './cases/page';
import { CaseListPage } from './cases/listpage';
import { ReportPage } from './cases/reportpage';
import { FeedPage } from './feed/page';
import type { FeedStore } from './feed/store';
import type { Key } from './i18n';
import type { Place } from './router';
import type { Session } from './types';
import { seesUnsealings } from './unseal/api';
import { isWorker } from './worker/remember';
import { Failure, Loading } from './ui/bits';
import { IconCases, IconCheck, IconDevices, IconFeed, IconFigures, IconMap, IconReport, IconSealed, IconShift, IconSliders } from './ui/icons';

/** What a page is given: where it stands, the live state, and what the path named. */
export interface PageProps {
  place: Place;
  store: FeedStore;
  params: readonly string[];
}

export type Page = (props: PageProps) => ComponentChildren;

interface Route {
  path: RegExp;
  page: Page;
  /** Whether an account may open it; anyone signed in, if there is none. */
  may?: (s: Session) => boolean;
  /** Drawn without the frame of the console: it has one of its own, and needs no live feed. */
  bare?: boolean;
  rail?: { href: string; word: Key; testid: string; icon: (p: { size?: number }) => ComponentChildren };
}

const configures = (s: Session): boolean => s.scopes?.includes('configure') ?? false;
const operates = (s: Session): boolean => s.scopes?.includes('operate') ?? false;

/** In the order of the rail. */
export const routes: readonly Route[] = [
  { path: /^\/$/, page: ({ store, place }) => <FeedPage store={store} query={place.query} />, rail: { href: '/', word: 'nav.feed', testid: 'nav-feed', icon: IconFeed } },
  { path: /^\/cases$/, page: ({ store, place }) => <CaseListPage store={store} query={place.query} />, rail: { href: '/cases?state=open', word: 'nav.cases', testid: 'nav-cases', icon: IconCases } },
  { path: /^\/cases\/([0-9A-Za-z-]{1,64})$/, page: ({ store, params: [id = ''] }) => <CasePage key={id} id={id} store={store} /> },
  { path: /^\/map$/, page: lazy(() => import('./map/page').then((m) => m.MapPage)), rail: { href: '/map', word: 'map.nav', testid: 'nav-map', icon: IconMap } },
  { path: /^\/report$/, page: () => <ReportPage />, may: operates, rail: { href: '/report', word: 'nav.report', testid: 'nav-report', icon: IconReport } },
  { path: /^\/devices$/, page: lazy(() => import('./devices/page').then((m) => m.DevicesPage)), rail: { href: '/devices', word: 'nav.devices', testid: 'nav-devices', icon: IconDevices } },
  { path: /^\/devices\/([0-9A-Za-z._-]{1,64})$/, page: lazy(() => import('./devices/edgepage').then((m) => m.EdgePage)) },
  { path: /^\/devices\/([0-9A-Za-z._-]{1,64})\/([0-9A-Za-z._-]{1,64})$/, page: lazy(() => import('./devices/devicepage').then((m) => m.DevicePage)) },
  { path: /^\/connect\/([0-9A-Za-z._-]{1,64})$/, page: lazy(() => import('./connect/page').then((m) => m.ConnectPage)) },
  { path: /^\/register$/, page: lazy(() => import('./register/page').then((m) => m.RegisterPage)) },
  { path: /^\/fleet$/, page: lazy(() => import('./fleet/page').then((m) => m.FleetPage)), may: configures, rail: { href: '/fleet', word: 'fleet.nav', testid: 'nav-fleet', icon: IconSliders } },
  { path: /^\/figures(?:\/(report))?$/, page: lazy(() => import('./figures/page').then((m) => m.FiguresPage)), rail: { href: '/figures', word: 'figures.nav', testid: 'nav-figures', icon: IconFigures } },
  { path: /^\/shift(?:\/([0-9a-f-]{36}))?$/, page: lazy(() => import('./shift/page').then((m) => m.ShiftPage)), rail: { href: '/shift', word: 'shift.nav', testid: 'nav-shift', icon: IconShift } },
  { path: /^\/unsealings$/, page: lazy(() => import('./unseal/page').then((m) => m.UnsealPage)), may: seesUnsealings, rail: { href: '/unsealings', word: 'unseal.nav', testid: 'nav-unseal', icon: IconSealed } },
  { path: /^\/work$/, page: lazy(() => import('./worker/page').then((m) => m.WorkerPage)), may: isWorker, bare: true, rail: { href: '/work', word: 'worker.nav', testid: 'nav-work', icon: IconCheck } },
];

/** The page of a path and what the path names, for an account that may open it. */
export function routeOf(path: string, session: Session): { page: Page; params: string[]; bare: boolean } | null {
  for (const r of routes) {
    const found = r.path.exec(path);
    if (found && (r.may?.(session) ?? true)) return { page: r.page, params: found.slice(1), bare: r.bare ?? false };
  }
  return null;
}

/** A page whose code is fetched when it is first opened: lazy(() => import('./map/page').then((m) => m.MapPage)). */
export function lazy(fetch: () => Promise<Page>): Page {
  let known: Page | null = null;
  return function Lazy(props) {
    const [page, setPage] = useState<Page | null>(() => known);
    const [error, setError] = useState<unknown>(null);
    const load = () => {
      setError(null);
      fetch().then((p) => {
        known = p;
        setPage(() => p);
      }, setError);
    };
    useEffect(() => {
      if (!page) load();
    }, []);
    if (error) return <Failure error={error} retry={load} />;
    const Shown = page;
    return Shown ? <Shown {...props} /> : <Loading />;
  };
}
