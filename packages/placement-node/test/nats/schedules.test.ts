import { schedulesContract } from '@wakebus/testing/contracts';
import { natsFixtures } from './nats-fixture.ts';

schedulesContract('NATS', natsFixtures());
