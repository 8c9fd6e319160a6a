import { area } from './area';

export const desk = area({}, {});
