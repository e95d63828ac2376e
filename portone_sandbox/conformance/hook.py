"""A script for the merchant's page that lets the judge act as a hostile or unlucky browser.

It wraps `PortOne.requestPayment` as soon as any SDK sets `window.PortOne`. Before each call it asks
`portoneJudgeBefore(request)` what to do, and afterwards `portoneJudgeAfter({paymentId, result})`
what the page is to get.
"""

SCRIPT = """
(() => {
  const plain = (value) => JSON.parse(JSON.stringify(value ?? null));
  const wrap = (api) => {
    if (!api || typeof api.requestPayment !== "function" || api.portoneJudge) return api;
    const requestPayment = async (request) => {
      const plan = await window.portoneJudgeBefore(plain(request));
      if (plan.action === "never") return new Promise(() => {});
      if (plan.action === "return") return plan.result;
      const paymentId = request && request.paymentId;
      let result;
      try {
        result = await api.requestPayment({ ...request, ...plan.changes });
      } catch (error) {
        const thrown = { code: error.code ?? null, message: error.message };
        await window.portoneJudgeAfter({ paymentId, thrown });
        throw error;
      }
      if (result === undefined) return result; // the page is leaving for a redirect
      const other = await window.portoneJudgeAfter({ paymentId, result: plain(result) });
      if (other && other.action === "never") return new Promise(() => {});
      return other && other.action === "return" ? other.result : result;
    };
    return { ...api, requestPayment, portoneJudge: true };
  };
  let current;
  Object.defineProperty(window, "PortOne", {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (api) => { current = wrap(api); },
  });
})();
"""
