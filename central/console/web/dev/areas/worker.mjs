// What the worker's page needs of central beside the cases: a request with a key is done once, and an answer can get lost.
export function worker(mock, req, res, url) {
  const key = req.headers['idempotency-key'];
  if (req.method !== 'POST' || !key || !/^\/v1\/cases\/[^/]+\/(steps|pictures)$/.test(url.pathname)) return false;
  mock.replies ??= new Map();
  const known = mock.replies.get(key);
  if (known) {
    req.resume();
    res.writeHead(known.status, known.headers).end(known.text);
    return true;
  }
  const { writeHead, end } = res;
  const kept = { status: 200, headers: {}, text: '' };
  res.writeHead = (status, headers) => {
    Object.assign(kept, { status, headers });
    return res;
  };
  res.end = (text = '') => {
    kept.text = text;
    if (kept.status < 500 && ![401, 403, 429].includes(kept.status)) mock.replies.set(key, kept);
    Object.assign(res, { writeHead, end });
    if (mock.loseAnswer) {
      mock.loseAnswer = false;
      return req.socket.destroy();
    }
    return res.writeHead(kept.status, kept.headers).end(text);
  };
  return false;
}
