import { area } from './area';

export const shift = area({}, {});
