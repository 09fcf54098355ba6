"""Found by LocalStack under the name that LAMBDA_RUNTIME_EXECUTOR gives."""
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *args, **kwargs):
        """Gives the class, and is called twice."""
        from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment
        from localstack_process_executor.executor import ProcessRuntimeExecutor

        ExecutionEnvironment.get_log_group_name = log_group_of
        give_input_to_services()
        return ProcessRuntimeExecutor


def log_group_of(environment):
    """The one that the function names, as on AWS; LocalStack itself writes to the default whatever is named."""
    version = environment.function_version
    return version.config.logging_config.get("LogGroup") or f"/aws/lambda/{version.id.function_name}"


def give_input_to_services():
    """Makes the input of a state without Parameters the arguments of the call, as on AWS; LocalStack itself calls the service with none."""
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.state_task import StateTask

    if StateTask._eval_parameters.__name__ == "arguments_of":
        return
    evaluate = StateTask._eval_parameters

    def arguments_of(task, env):
        return dict(env.stack[-1]) if task.parargs is None else evaluate(task, env)

    StateTask._eval_parameters = arguments_of
