// `npm run mock`: the mock on port 8790 with something new every few seconds. Sign in as demo / demo-password.
import { Mock } from './mock.mjs';

const mock = new Mock();
mock.world.fill();
console.log(`mock central at ${await mock.listen(Number(process.env.PORT ?? 8790))}, sign in as demo / demo-password`);

let n = 0;
setInterval(() => {
  const alert = mock.world.raise(n++, { picture: false });
  if (alert.family === 'cameras') setTimeout(() => mock.world.addPicture(alert), 2500);
}, 4000);
