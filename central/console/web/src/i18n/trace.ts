import { area } from './area';

export const trace = area({
  'trace.title': '全程记录（十个环节）', 'trace.total': '从现场到立案 {span}。', 'trace.skew': '节点时钟与中心相差 {skew}，间隔已按此校正。',
  'trace.between': '没有单独记时，在第 1 与第 4 环节之间', 'trace.inLog': '只记在节点日志里', 'trace.noCase': '没有进入案卷，或记录已较早', 'trace.unknown': '没有记录',
  'traceStep.source': '现场发生', 'traceStep.decode': '解码画面', 'traceStep.detect': '检测', 'traceStep.raise': '形成告警', 'traceStep.outbox': '节点落盘', 'traceStep.forward': '发往中心',
  'traceStep.ingest': '中心收下', 'traceStep.correlate': '归并', 'traceStep.case': '记入案卷', 'traceStep.feed': '推送到屏幕',
  'traceOutcome.opened': '这条告警立了案。', 'traceOutcome.joined': '并入已有的案卷。', 'traceOutcome.reopened': '使自动结案的案卷重开。', 'traceOutcome.cleared': '是情况结束的通知，已记入案卷。', 'traceOutcome.no-case': '没有进入案卷。',
  'traceOutcome.at-edge': '还在节点上。', 'traceOutcome.rejected': '中心没有接受。', 'traceOutcome.forgotten': '告警已过保存期。',
  'traceClock.edge': '节点时钟', 'traceClock.camera': '设备时钟', 'traceClock.central': '中心时钟',
  'traceKnown.alert': '见告警', 'traceKnown.id': '见编号', 'traceKnown.store': '见中心数据库', 'traceKnown.edge-log': '见节点日志', 'traceKnown.central-log': '见中心日志',
}, {
  'trace.title': 'The ten steps', 'trace.total': 'From the place to the case: {span}.', 'trace.skew': 'The clock of the edge was {skew} off that of central; the spans are put right by that.',
  'trace.between': 'Not timed by itself: between steps 1 and 4', 'trace.inLog': 'In the log of the edge alone', 'trace.noCase': 'It joined no case, or that is long ago', 'trace.unknown': 'Not known',
  'traceStep.source': 'It happened', 'traceStep.decode': 'Picture decoded', 'traceStep.detect': 'Detected', 'traceStep.raise': 'Alert raised', 'traceStep.outbox': 'On the disk of the edge', 'traceStep.forward': 'Sent to central',
  'traceStep.ingest': 'Taken by central', 'traceStep.correlate': 'Correlated', 'traceStep.case': 'In the case', 'traceStep.feed': 'On the feed',
  'traceOutcome.opened': 'It opened the case.', 'traceOutcome.joined': 'It joined a case that was open.', 'traceOutcome.reopened': 'It opened a case again that had closed by itself.', 'traceOutcome.cleared': 'It is the end of a situation, noted in its case.', 'traceOutcome.no-case': 'It joined no case.',
  'traceOutcome.at-edge': 'It is still at the edge.', 'traceOutcome.rejected': 'Central refused it.', 'traceOutcome.forgotten': 'Its time to be kept is over.',
  'traceClock.edge': 'clock of the edge', 'traceClock.camera': 'clock of the device', 'traceClock.central': 'clock of central',
  'traceKnown.alert': 'the alert says so', 'traceKnown.id': 'its number says so', 'traceKnown.store': 'in the database', 'traceKnown.edge-log': 'in the log of the edge', 'traceKnown.central-log': 'in the log of central',
});
