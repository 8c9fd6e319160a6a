import { desk } from './desk.mjs';
import { feed } from './feed.mjs';
import { figures } from './figures.mjs';
import { map } from './map.mjs';
import { shift } from './shift.mjs';
import { cameras } from './cameras.mjs';
import { worker } from './worker.mjs';

// What the stand-in knows of the parts of the console that have a file here. Each is a function (mock, req, res, url) that answers and
// returns true, or returns false for a path that is not its own.
export const areas = [desk, feed, figures, map, shift, cameras, worker];
