import { area } from './area';

export const map = area({
  'map.placeLabel': '{name}的轮廓和案卷所在的点',
  'map.gridLabel': '{name}的轮廓',
  'map.noShape': '该网格尚未绘制边界',
  'map.km': '{n} 公里',
  'map.m': '{n} 米',
}, {
  'map.placeLabel': 'Outline of {name} with the point of the case',
  'map.gridLabel': 'Outline of {name}',
  'map.noShape': 'No boundary has been drawn for this grid',
  'map.km': '{n} km',
  'map.m': '{n} m',
});
