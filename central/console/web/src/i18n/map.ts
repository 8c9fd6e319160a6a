import { area } from './area';

export const map = area({}, {});
