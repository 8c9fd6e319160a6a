import { area } from './area';

export const keys = area({}, {});
