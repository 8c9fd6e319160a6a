/** Icons drawn here, 24 by 24, in the colour of the text. They are decoration: the word stands beside them. */
import type { ComponentChildren } from 'preact';
import type { Kind } from '../types';

interface IconProps {
  size?: number;
}

function icon(shape: ComponentChildren) {
  return ({ size = 20 }: IconProps) => (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7"
      stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      {shape}
    </svg>
  );
}

export const IconFeed = icon(<><path d="M4 5h16M4 12h10M4 19h7" /><circle cx="18.5" cy="16.5" r="2.5" /></>);
export const IconCases = icon(<><path d="M4 7.5a2 2 0 0 1 2-2h3.5l2 2.5H18a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z" /><path d="M8 13.5h8" /></>);
export const IconDevices = icon(<><rect x="3.5" y="4.5" width="17" height="6" rx="1.5" /><rect x="3.5" y="13.5" width="17" height="6" rx="1.5" /><path d="M7 7.5h.01M7 16.5h.01M11 7.5h6M11 16.5h6" /></>);
export const IconReport = icon(<><path d="M5 4.5h14v12H11l-4 3.5v-3.5H5z" /><path d="M12 7.5v6M9 10.5h6" /></>);
export const IconShift = icon(<><path d="M4 8.5h13M13.5 5l3.5 3.5-3.5 3.5" /><path d="M20 15.5H7M10.5 12 7 15.5l3.5 3.5" /></>);
export const IconFigures = icon(<path d="M4 20h16M7 20v-6M12 20V6M17 20v-10" />);
export const IconMap = icon(<path d="m3.5 6.5 5.5-2 6 2 5.5-2v13l-5.5 2-6-2-5.5 2zM9 4.5v13M15 6.5v13" />);
export const IconClose = icon(<path d="m6 6 12 12M18 6 6 18" />);
export const IconLeft = icon(<path d="m14.5 5.5-6.5 6.5 6.5 6.5" />);
export const IconRight = icon(<path d="m9.5 5.5 6.5 6.5-6.5 6.5" />);
export const IconUp = icon(<path d="M12 19V5M6 11l6-6 6 6" />);
export const IconCheck = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />);
export const IconWarn = icon(<><path d="M12 4 2.8 19.5h18.4z" /><path d="M12 10v4.5M12 17.2h.01" /></>);
export const IconLang = icon(<><circle cx="12" cy="12" r="8.5" /><path d="M3.5 12h17M12 3.5c2.6 2.6 3.7 5.4 3.7 8.5s-1.1 5.9-3.7 8.5c-2.6-2.6-3.7-5.4-3.7-8.5s1.1-5.9 3.7-8.5z" /></>);
export const IconOut = icon(<><path d="M10 4.5H6.5a2 2 0 0 0-2 2v11a2 2 0 0 0 2 2H10" /><path d="M14.5 8l4 4-4 4M18.5 12H9.5" /></>);
export const IconBell = icon(<><path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15z" /><path d="M10 21h4" /></>);
export const IconBellOff = icon(<><path d="M6 16.5V11a6 6 0 0 1 9.5-4.9M18 11v5.5l1.5 2h-12" /><path d="M10 21h4M4 20 20 4" /></>);
export const IconSliders = icon(<><path d="M4 7h9M19 7h1M4 17h1M11 17h9" /><circle cx="16" cy="7" r="2.5" /><circle cx="8" cy="17" r="2.5" /></>);
export const IconCamera = icon(<><rect x="3" y="7" width="12.5" height="10" rx="2" /><path d="m15.5 11 5.5-3v8l-5.5-3z" /></>);
export const IconSealed = icon(<><rect x="5" y="10.5" width="14" height="9" rx="2" /><path d="M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5" /></>);
export const IconSensor = icon(<><circle cx="12" cy="12" r="2.2" /><path d="M7.8 16.2a6 6 0 0 1 0-8.4M16.2 7.8a6 6 0 0 1 0 8.4M5 19a10 10 0 0 1 0-14M19 5a10 10 0 0 1 0 14" /></>);

const flame = <path d="M12 3c.6 3.4 5.5 5.5 5.5 10.5a5.5 5.5 0 0 1-11 0c0-2.3 1.2-3.8 2.3-5 .2 1.8.9 2.7 1.9 3.1C10.3 8.5 10.5 5.5 12 3z" />;
const cloud = <><path d="M7 14.5a4 4 0 0 1 .5-8 5 5 0 0 1 9.4 1.3A3.4 3.4 0 0 1 17 14.5z" /><path d="M6 18h8M10 21h8" /></>;
const drop = <path d="M12 3.5c3.5 4.2 6 7.1 6 10.3a6 6 0 0 1-12 0c0-3.2 2.5-6.1 6-10.3z" />;
const waves = <path d="M3 9c2-1.8 4-1.8 6 0s4 1.8 6 0 4-1.8 6 0M3 15c2-1.8 4-1.8 6 0s4 1.8 6 0 4-1.8 6 0" />;
const bell = <><path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15z" /><path d="M10 21h4M3 7.5A8 8 0 0 1 5.5 4M21 7.5A8 8 0 0 0 18.5 4" /></>;
const walk = <><circle cx="13" cy="4.8" r="1.8" /><path d="M12.5 9 9 11l-1 3.5M12.5 9l1 5 3 2.5 1 4.5M13.5 14 11 17l-2.5 4M12.5 9l2.5 2.5 3 .5" /></>;
const line = <><path d="M4 20 20 4" stroke-dasharray="3 3" /><path d="M5 9h7v7" /><path d="m12 9-7 7" /></>;
const fence = <><path d="M4 20V9l2-3 2 3v11M10 20V9l2-3 2 3v11M16 20V9l2-3 2 3v11M3 12.5h18M3 16.5h18" /></>;
const box = <><path d="m4 8 8-4 8 4v8l-8 4-8-4z" /><path d="m4 8 8 4 8-4M12 12v8" /></>;
const door = <><path d="M6 20.5V4.5h9v16M3.5 20.5h17" /><path d="M12 12.5h.01M15 6.5l4 1.5v12.5" /></>;
const shake = <path d="M2.5 12h3l2-6 3 13 3-15 2.5 11 1.5-3h4" />;
const thermo = <><path d="M10 13.5V5.5a2 2 0 0 1 4 0v8a4 4 0 1 1-4 0z" /><path d="M12 10v6.5" /></>;
const bolt = <path d="M13 3 5.5 13.5H11L10 21l8-11h-5.5z" />;
const battery = <><rect x="3" y="8" width="16" height="8.5" rx="1.5" /><path d="M21.5 11v2.5M6 11v2.5" /></>;
const shield = <><path d="M12 3.5 5 6v5.5c0 4.3 2.9 7.3 7 9 4.1-1.7 7-4.7 7-9V6z" /><path d="M12 8.5v4.5M12 16h.01" /></>;
const cameraOff = <><rect x="3" y="7" width="12.5" height="10" rx="2" /><path d="m15.5 11 5.5-3v8l-5.5-3zM4 20.5 19 3.5" /></>;
const disk = <><path d="M4.5 6.5C4.5 5 8 4 12 4s7.5 1 7.5 2.5v11C19.5 19 16 20 12 20s-7.5-1-7.5-2.5z" /><path d="M4.5 6.5C4.5 8 8 9 12 9s7.5-1 7.5-2.5M12 12.5v2.5M12 17.2h.01" /></>;
const plug = <><path d="M9 3.5V8M15 3.5V8M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v4" /></>;
const dot = <><circle cx="12" cy="12" r="8" /><path d="M12 8v4.5M12 15.8h.01" /></>;

const shapes: Readonly<Record<Kind, ComponentChildren>> = {
  motion: walk, presence: walk, tripwire: line, intrusion: fence, 'left-object': box, smoke: cloud, fire: flame, gas: cloud, co: cloud,
  heat: thermo, 'water-level': waves, flood: waves, leak: drop, sos: bell, door, vibration: shake, temperature: thermo, humidity: drop,
  power: bolt, 'low-battery': battery, tamper: shield, covered: cameraOff, defocused: cameraOff, turned: cameraOff, frozen: cameraOff,
  black: cameraOff, 'video-loss': cameraOff, 'storage-fault': disk, 'device-offline': plug, 'device-fault': shield, other: dot,
};

const kindIcons = new Map(Object.entries(shapes).map(([kind, shape]) => [kind, icon(shape)]));
const otherIcon = icon(dot);

export function KindIcon({ kind, size = 20 }: IconProps & { kind: Kind }) {
  const Drawn = kindIcons.get(kind) ?? otherIcon;
  return <Drawn size={size} />;
}
