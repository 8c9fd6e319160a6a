import { area } from './area';

export const figures = area({}, {});
