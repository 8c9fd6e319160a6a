/** Who is signed in, for the parts of a page that depend on it. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Session } from '../types';

export const SessionContext = createContext<Session>({ user: '', role: 'auditor', scopes: [] });

/** Whether this account may change cases; central decides, this only spares a refusal. */
export const useMayOperate = (): boolean => useContext(SessionContext).scopes?.includes('operate') ?? false;
