// A made-up loop: what the page may offer, in the shapes of central. Shorter than the one that central ships.
const step = (id, phase, zh, en, end) => ({ id, phase, titles: { zh, en }, ...(end ? { end } : {}) });
const action = (id, zh, en, from, to, more = {}) => ({ id, titles: { zh, en }, from, to, roles: ['operator', 'worker', 'supervisor'], needs: [], may: ['note'], reasons: [], ...more });

export const workflows = [{
  id: 'base', titles: { zh: '七步闭环', en: 'Seven-step loop' },
  steps: [
    step('collect', 'open', '信息收集', 'Collected'), step('open', 'acknowledged', '案卷建立', 'Case opened'), step('dispatch', 'acknowledged', '任务派遣', 'Dispatched'),
    step('handle', 'acknowledged', '任务处理', 'Being handled'), step('feedback', 'acknowledged', '处理反馈', 'Fed back'), step('parked', 'acknowledged', '已挂账', 'Parked'),
    step('verify', 'closed', '核查结案', 'Verified and closed'), step('evaluate', 'closed', '综合评价', 'Evaluated', true), step('desk', 'closed', '直接结案', 'Closed at the desk', true),
  ],
  actions: [
    action('acknowledge', '立案', 'Acknowledge', ['collect'], 'open', { may: ['until', 'note'] }),
    action('snooze', '稍后提醒', 'Snooze', ['collect', 'open', 'dispatch', 'handle'], '', { needs: ['until'] }),
    action('assign', '指定经办人', 'Assign', ['open', 'dispatch'], '', { needs: ['assignee'] }),
    action('dispatch', '派遣', 'Dispatch', ['collect', 'open'], 'dispatch', { needs: ['unit'], may: ['helpers', 'assignee', 'note'] }),
    action('accept', '接收', 'Accept', ['dispatch'], 'handle', { sets: ['assignee', 'handler'] }),
    action('progress', '过程反馈', 'Report progress', ['dispatch', 'handle'], '', { needs: ['note'], may: [] }),
    action('feed-back', '处理反馈', 'Feed back', ['handle'], 'feedback', { marks: ['handled'] }),
    action('extend', '延期', 'Extend', ['dispatch', 'handle'], '', { needs: ['by', 'note'] }),
    action('park', '挂账', 'Park', ['handle'], 'parked', { needs: ['note'], may: ['until'] }),
    action('unpark', '恢复处理', 'Unpark', ['parked'], 'handle'),
    action('verify', '核查结案', 'Verify and close', ['feedback'], 'verify', { reasons: ['verified'] }),
    action('evaluate', '评价', 'Evaluate', ['verify'], 'evaluate', { needs: ['rating'] }),
    action('escalate', '升级', 'Escalate', ['collect', 'open', 'dispatch', 'handle'], '', { may: ['unit', 'note'] }),
    action('false-alarm', '误报', 'False alarm', ['collect', 'open', 'dispatch', 'handle'], 'desk', { reasons: ['false-alarm'] }),
    action('close', '直接结案', 'Close at the desk', ['collect', 'open'], 'desk', { reasons: ['handled', 'duplicate'] }),
    action('reopen', '重新立案', 'Reopen', ['verify', 'evaluate', 'desk'], 'open', { needs: ['note'] }),
  ],
}];

export const units = [
  { id: 'fire', title: { zh: '微型消防站', en: 'Micro fire station' } }, { id: 'water', title: { zh: '水务站', en: 'Water station' } },
  { id: 'grid-1', title: { zh: '第一网格', en: 'First grid' } },
];

export const classes = [
  { code: '01', title: { zh: '火灾与有害气体', en: 'Fire and harmful gas' } }, { code: '0101', title: { zh: '烟雾', en: 'Smoke' } },
  { code: '02', title: { zh: '水情与气象', en: 'Water and weather' } }, { code: '0202', title: { zh: '积水内涝', en: 'Flooding' } },
];

export function offersOf(c) {
  const { steps, actions } = workflows[0];
  const at = c.step ?? steps.find((s) => s.phase === c.state).id;
  return actions.filter((a) => a.from.includes(at)).map(({ id, titles, to, needs, may, reasons }) => ({ action: id, titles, ...(to ? { to } : {}), needs, may, reasons }));
}

export const phaseOf = (id) => workflows[0].steps.find((s) => s.id === id).phase;
