import { area } from './area';

export const worker = area({}, {});
