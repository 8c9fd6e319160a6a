import { area } from './area';

export const cameras = area({}, {});
