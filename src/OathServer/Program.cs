using System.CommandLine;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Backup;
using OathServer.Demo;
using OathServer.Desk;
using OathServer.Import;
using OathServer.Import.Export;
using OathServer.Keys;
using OathServer.Operations;
using OathServer.Operations.Checks;
using OathServer.Operations.Settings;
using OathServer.Provisioning.Proof;
using OathServer.Provisioning.Puk;
using OathServer.Provisioning.Rehearsal;
using OathServer.Records;
using OathServer.Secrets;
using OathServer.Validation.Elsewhere;

// One binary: the server, and what its operators do on the server's own machine.
var root = new RootCommand("OathServer: seeds keys and server from one file, validates each code at most once, keeps the record.")
{
    ServeCommand.Create(),
    DoctorCommand.Create(),
    SettingsCommand.Create(),
    DemoCommand.Create(),
    ApiKeyCommand.Create(),
    ImportCommand.Create(),
    ImportsCommand.Create(),
    ExportCommand.Create(),
    PskcCommand.Create(),
    KeysCommand.Create(),
    AgentCommand.Create(),
    VirtualKeyCommand.Create(),
    PukMasterCommand.Create(),
    RehearseCommand.Create(),
    DrillCommand.Create(),
    StatementCommand.Create(),
    StaffCommand.Create(),
    PersonCommand.Create(),
    MoveCommand.Create(),
    ParallelRunCommand.Create(),
    AuditCommand.Create(),
    BackupCommand.Create(),
    RestoreCommand.Create(),
    SecretsCommand.Create(),
};
root.SetAction((_, cancel) => ServeCommand.RunAsync(cancel));
var parsed = root.Parse(args);
var invocation = new InvocationConfiguration();
if (parsed.CommandResult.Command is RootCommand || parsed.CommandResult.Command.Name == ServeCommand.Name)
{
    // The host hears signals itself, and a node that drains takes longer to end than is given to a command.
    invocation.ProcessTerminationTimeout = null;
}

return await parsed.InvokeAsync(invocation);
