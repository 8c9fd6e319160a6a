/** What is heard and notified, on every page: the switches of this machine, and the bell that says whether anything rings. */
import { createContext } from 'preact';
import { useContext, useEffect, useMemo, useReducer } from 'preact/hooks';
import { useWords, type Words } from '../i18n';
import { useKeys } from '../keys';
import type { FeedMessage } from '../types';
import { IconBell, IconBellOff } from '../ui/icons';
import { remember, remembered } from '../ui/look';
import { Choice } from '../ui/menu';
import { Chime } from './chime';
import { passes } from './filter';
import { askToNotify, canNotify, Notifier } from './notify';
import { isLifeSafety, Ringing } from './ringing';
import type { FeedStore } from './store';

const SWITCH = ['off', 'on'] as const;
type Switch = (typeof SWITCH)[number];

const TICK = 250;

/** The bell of one console. Nothing sounds before somebody has asked for it by a click. */
export class Bell {
  sound: Switch = remembered('sound', SWITCH);
  notify: Switch = remembered('notify', SWITCH);
  refused = false;
  readonly ringing = new Ringing();
  private readonly chime = new Chime();
  private readonly notifier = new Notifier();
  private readonly listeners = new Set<() => void>();
  private stops: (() => void)[] = [];

  constructor(private readonly store: FeedStore, public words: Words) {}

  start(): void {
    this.ringing.begin(this.store.cases.values());
    const timer = setInterval(() => this.tick(), TICK);
    const open = () => this.sound === 'on' && !this.chime.ready && void this.chime.open().then(() => this.tell());
    for (const type of ['pointerdown', 'keydown'] as const) addEventListener(type, open);
    this.stops = [this.store.tap((m) => this.take(m)), () => clearInterval(timer), () => removeEventListener('pointerdown', open), () => removeEventListener('keydown', open)];
    void open();
  }

  stop(): void {
    for (const f of this.stops) f();
    this.notifier.stop();
    this.chime.close();
  }

  subscribe(f: () => void): () => void {
    this.listeners.add(f);
    return () => void this.listeners.delete(f);
  }

  /** Sound was asked for, and the browser does not let it yet. */
  get waits(): boolean {
    return this.sound === 'on' && !this.chime.ready;
  }

  async setSound(to: Switch): Promise<void> {
    this.sound = to;
    remember('sound', to);
    if (to === 'on') await this.chime.open();
    if (to === 'on') this.chime.play('minor');
    this.tell();
  }

  async setNotify(to: Switch): Promise<void> {
    this.refused = to === 'on' && !(await askToNotify());
    this.notify = this.refused ? 'off' : to;
    remember('notify', this.notify);
    this.tell();
  }

  mute(): void {
    this.ringing.mute();
    this.tell();
  }

  private take(m: FeedMessage | null): void {
    const before = this.ringing.count;
    if (m === null) this.ringing.begin(this.store.cases.values());
    else this.takeOne(m);
    if (this.ringing.count !== before) this.tell();
  }

  private takeOne(m: FeedMessage): void {
    const heard = m.alert !== null && passes(m.alert, this.store.filter);
    this.ringing.take(m, heard);
    if (m.alert && this.notify === 'on' && (heard || isLifeSafety(m.alert))) this.notifier.take(m.alert, this.words);
  }

  private tick(): void {
    const sound = this.ringing.next(Date.now());
    if (sound !== '' && this.sound === 'on') this.chime.play(sound);
  }

  private tell(): void {
    for (const f of this.listeners) f();
  }
}

const BellContext = createContext<Bell | null>(null);

/** Makes the bell of a console, as long as it is shown. */
export function useNewBell(store: FeedStore): Bell {
  const words = useWords();
  const bell = useMemo(() => new Bell(store, words), [store]);
  bell.words = words;
  useEffect(() => {
    bell.start();
    return () => bell.stop();
  }, [bell]);
  return bell;
}

export const BellProvider = BellContext.Provider;

function useBell(): Bell | null {
  const bell = useContext(BellContext);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => bell?.subscribe(() => redraw(0)), [bell]);
  return bell;
}

/** The bell in the top bar: whether there is sound, and how many cases ring; a click turns sound on, or silences, or turns it off. */
export function BellButton() {
  const words = useWords();
  const bell = useBell();
  const n = bell?.ringing.count ?? 0;
  useKeys('keys.everywhere', [{ key: 'm', word: 'feed.key.mute', run: () => bell?.mute() }]);
  if (!bell) return null;
  const on = bell.sound === 'on';
  const count = n > 99 ? '99+' : n > 0 ? String(n) : '';
  const still = words.t(bell.waits ? 'feed.soundWaits' : on ? 'feed.soundOn' : 'feed.soundOff');
  const name = n > 0 && on ? words.t('feed.ringing', { n: count }) : `${count} ${still}`.trim();
  const click = () => (!on ? void bell.setSound('on') : n > 0 ? bell.mute() : void bell.setSound('off'));
  return (
    <button type="button" class={`button button-quiet bell${n > 0 ? ' bell-rings' : ''}`} data-testid="bell" data-sound={bell.sound} data-ringing={n} data-waits={bell.waits} aria-label={name} title={name} onClick={click}>
      {on ? <IconBell /> : <IconBellOff />}{count && <b class="number">{count}</b>}
    </button>
  );
}

/** The switches in the menu. */
export function BellChoices() {
  const words = useWords();
  const bell = useBell();
  if (!bell) return null;
  return (
    <>
      <Choice name="sound" title={words.t('feed.sound')} value={bell.sound} options={SWITCH.map((s) => [s, words.word('feed.sound', s)])} onChange={(s) => void bell.setSound(s)} />
      <p class="muted small">{words.t('feed.soundHint')}</p>
      <Choice name="notify" title={words.t('feed.notify')} value={bell.notify === 'on' && canNotify() ? 'on' : 'off'} options={SWITCH.map((s) => [s, words.word('feed.notify', s)])} onChange={(s) => void bell.setNotify(s)} />
      <p class="muted small">{words.t(bell.refused ? 'feed.notifyRefused' : 'feed.notifyHint')}</p>
    </>
  );
}
