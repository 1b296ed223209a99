import { logIn, loginError } from '../session.ts';

export function LogInPage() {
  return (
    <main class="login" id="main">
      <img src="/favicon.svg" alt="" width="56" height="56" />
      <h1>IoT platform</h1>
      <p class="muted">See the fleet, a device, a dead letter, and why it is slow.</p>
      {loginError.value !== null && (
        <div class="banner bad" role="alert">
          {loginError.value}
        </div>
      )}
      <button type="button" class="primary" onClick={() => void logIn()}>
        Log in
      </button>
    </main>
  );
}
