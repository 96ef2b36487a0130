import { clockContract } from '@wakebus/testing/contracts';
import { natsFixtures } from './nats-fixture.ts';

clockContract('NATS', natsFixtures());
