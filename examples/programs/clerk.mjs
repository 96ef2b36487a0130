/** A clerk: numbers the invoices that it gets, and has the ledger book them. The frames are in packages/protocol/PROTOCOL.md. */
import { createInterface } from 'node:readline';

let state = { invoices: 0 };
const say = (frame) => console.log(JSON.stringify(frame));

for await (const line of createInterface({ input: process.stdin })) {
  const frame = JSON.parse(line);
  if (frame.type === 'ping') say({ type: 'pong', n: frame.n });
  if (frame.type === 'wake') {
    state = frame.state ?? state;
    say({ type: 'hello', protocol: 1 });
  }
  if (frame.type === 'event') {
    const { invoice, cents } = frame.event;
    state = { invoices: state.invoices + 1 };
    say({ type: 'state', state });
    say({ type: 'send', to: 'ledger/main', event: { type: 'book', cents } });
    say({ type: 'reply', value: `${invoice} is invoice ${state.invoices}` });
    say({ type: 'done', seq: frame.seq });
  }
}
