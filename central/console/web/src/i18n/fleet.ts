import { area } from './area';

export const fleet = area({
  'fleet.nav': '配置', 'fleet.title': '设备配置', 'fleet.forbidden': '只有管理员可以下发配置',
  'fleet.edges': '各节点', 'fleet.state': '状态', 'fleet.group': '分组', 'fleet.all': '全部', 'fleet.more': '下一页', 'fleet.first': '回到第一页', 'fleet.none': '没有符合条件的节点',
  'fleet.col.edge': '节点', 'fleet.col.state': '状态', 'fleet.col.layers': '配置层与版本', 'fleet.col.allows': '节点允许下发的部分', 'fleet.col.versions': '本机文件 / 软件', 'fleet.col.why': '原因',
  'fleet.newest': '（最新 {n}）', 'fleet.write': '编写配置',
  'fleet.hint': '依次叠加：all → group:名称 → edge:名称；后一层的同名部分整体替换前一层。密码只写文件名，例如 password: {file: gate}。保存后不会立即生效，要下发才到节点。',
  'fleet.layer': '配置层', 'fleet.text': '内容（YAML）', 'fleet.why': '理由（不写人名）', 'fleet.waves': '分批（节点数或百分比）',
  'fleet.preview': '检查并预览', 'fleet.keep': '保存为新版本', 'fleet.begin': '下发最新版本', 'fleet.kept': '已保存 {layer} 第 {n} 版，尚未下发', 'fleet.line': '第 {n} 行',
  'fleet.changes': '将改变 {n} 个节点。', 'fleet.example': '以 {edge} 为例：', 'fleet.rollout': '最近一次下发', 'fleet.wave': '第 {n} / {of} 批',
  'fleet.pause': '暂停', 'fleet.resume': '继续', 'fleet.abort': '中止并恢复原配置',
  'fleetState.in-force': '已生效', 'fleetState.alone': '仅本机文件', 'fleetState.fetching': '正在获取', 'fleetState.trying': '试运行', 'fleetState.waiting': '等待节点答复', 'fleetState.away': '不在线',
  'fleetState.refused': '节点拒绝', 'fleetState.rolled-back': '已自动退回', 'fleetState.planned': '未下发',
  'rolloutState.running': '进行中', 'rolloutState.paused': '已暂停', 'rolloutState.stopped': '已自动停止', 'rolloutState.aborted': '已中止', 'rolloutState.done': '已完成',
}, {
  'fleet.nav': 'Fleet', 'fleet.title': 'Configuration of edges', 'fleet.forbidden': 'Only an administrator configures edges',
  'fleet.edges': 'Edges', 'fleet.state': 'State', 'fleet.group': 'Group', 'fleet.all': 'All', 'fleet.more': 'Next page', 'fleet.first': 'First page', 'fleet.none': 'No edge is so',
  'fleet.col.edge': 'Edge', 'fleet.col.state': 'State', 'fleet.col.layers': 'Layers and versions', 'fleet.col.allows': 'Sections that the edge allows', 'fleet.col.versions': 'Own file / software', 'fleet.col.why': 'Why',
  'fleet.newest': '(newest {n})', 'fleet.write': 'Write a configuration',
  'fleet.hint': 'In order: all → group:NAME → edge:NAME; a section of a later layer takes the place of the earlier one as a whole. A password is the name of a file, as in password: {file: gate}. What is kept reaches no edge before a rollout.',
  'fleet.layer': 'Layer', 'fleet.text': 'Text (YAML)', 'fleet.why': 'Why (without naming anyone)', 'fleet.waves': 'Waves (edges or a share)',
  'fleet.preview': 'Check and preview', 'fleet.keep': 'Keep as the next version', 'fleet.begin': 'Roll out the newest version', 'fleet.kept': '{layer} version {n} is kept, and not rolled out yet', 'fleet.line': 'Line {n}',
  'fleet.changes': '{n} edges would change.', 'fleet.example': 'This is {edge}:', 'fleet.rollout': 'Newest rollout', 'fleet.wave': 'Wave {n} of {of}',
  'fleet.pause': 'Pause', 'fleet.resume': 'Go on', 'fleet.abort': 'Abort and go back',
  'fleetState.in-force': 'In force', 'fleetState.alone': 'Own file alone', 'fleetState.fetching': 'Fetching', 'fleetState.trying': 'On trial', 'fleetState.waiting': 'No answer yet', 'fleetState.away': 'Away',
  'fleetState.refused': 'Refused', 'fleetState.rolled-back': 'Rolled back', 'fleetState.planned': 'Not sent',
  'rolloutState.running': 'Running', 'rolloutState.paused': 'Paused', 'rolloutState.stopped': 'Stopped by itself', 'rolloutState.aborted': 'Aborted', 'rolloutState.done': 'Done',
});
