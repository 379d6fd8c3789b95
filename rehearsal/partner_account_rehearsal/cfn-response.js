// CloudFormation's `cfn-response` module, which it adds to the code of a function that is inline in the template.
const https = require("https");

exports.SUCCESS = "SUCCESS";
exports.FAILED = "FAILED";

exports.send = (event, context, responseStatus, responseData, physicalResourceId, noEcho = false) => {
  const { StackId, RequestId, LogicalResourceId } = event;
  const body = JSON.stringify({
    Status: responseStatus,
    Reason: `See the log stream ${context.logStreamName}`,
    PhysicalResourceId: physicalResourceId || context.logStreamName,
    StackId, RequestId, LogicalResourceId, NoEcho: noEcho, Data: responseData,
  });
  const headers = { "content-type": "", "content-length": Buffer.byteLength(body) };
  const request = https.request(event.ResponseURL, { method: "PUT", headers }, () => context.done());
  request.on("error", (error) => context.done(error)).end(body);
};
