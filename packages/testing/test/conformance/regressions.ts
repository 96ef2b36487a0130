/**
 * Traces that once showed a difference between the model and a server, as short as they could be made.
 */
import type { Trace } from '../../src/conformance/operation.ts';

export const regressions: Readonly<Record<string, Trace>> = {
  'an expectation stays in the stored headers': [
    { do: 'append', log: 'history', agent: 2, by: 0, expect: 'none' },
    { do: 'last', log: 'history', whose: 2 },
  ],
  'an ID and a wrong expectation: replicas see the duplicate, one server the conflict': [
    { do: 'append', log: 'held', agent: 1, by: 0, id: 2, expect: 'none' },
    { do: 'append', log: 'held', agent: 1, by: 0, id: 2, expect: 'none' },
  ],
  'a schedule, and what it fires, carry headers of the server': [
    { do: 'arm', agent: 0, timer: 0, dueInMs: 3_600_000 },
    { do: 'arm', agent: 1, timer: 1, dueInMs: -60_000 },
    { do: 'read', log: 'inbox', whose: 'all', from: 'start', limit: 10 },
  ],
  'a time to live where none is allowed': [
    { do: 'put', bucket: 'registry', key: 0, by: 0, expect: 'none', ttlMs: 1_000 },
    { do: 'put', bucket: 'registry', key: 0, by: 0, expect: 'beyond', ttlMs: 1_000 },
  ],
  'a time to live is never cut short': [
    { do: 'put', bucket: 'leases', key: 0, by: 0, expect: 'none', ttlMs: 1_700 },
    { do: 'wait', ms: 1_200 },
    { do: 'get record', bucket: 'leases', key: 0, fresh: true },
  ],
  'a page of a scan may hold nothing but markers': [
    { do: 'put', bucket: 'agents', key: 1, by: 0, expect: 'none' },
    { do: 'remove', bucket: 'agents', key: 1, by: 0, expect: 'last' },
    { do: 'scan', bucket: 'agents', limit: 1 },
  ],
  'a watch begins with the markers too': [
    { do: 'put', bucket: 'agents', key: 0, by: 0, expect: 'none' },
    { do: 'remove', bucket: 'agents', key: 0, by: 0, expect: 'last' },
    { do: 'watch', bucket: 'agents', whose: 0 },
  ],
  'of writes at once at one revision, one is stored': [
    { do: 'race', bucket: 'agents', key: 1, expect: 'none' },
    { do: 'race', bucket: 'agents', key: 1, expect: 'last' },
    { do: 'race', bucket: 'agents', key: 1, expect: 'older' },
  ],
  'messages that are too large': [
    { do: 'append', log: 'inbox', agent: 0, by: 0, size: 'large' },
    { do: 'append', log: 'held', agent: 0, by: 0, size: 'large' },
    { do: 'append', log: 'held', agent: 0, by: 0, size: 'huge' },
    { do: 'put', bucket: 'agents', key: 0, by: 0, expect: 'none', size: 'huge' },
    { do: 'put chunk', chunk: 0, size: 'huge' },
  ],
};
