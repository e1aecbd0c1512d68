using System.CommandLine;
using OathServer.Operations;

namespace OathServer.Audit;

/// <summary><c>audit verify</c> and <c>audit export</c> on the server's own machine, beside a running server.</summary>
internal static class AuditCommand
{
    public static Command Create() => new("audit", "The trail of acts and validations.") { Verify(), Export() };

    private static Command Verify()
    {
        var verify = new Command("verify", "Walks all chains and compares them with the anchors. Exit 1 and the place when anything was changed.");
        verify.SetAction((_, cancel) => CommandHost.RunAsync(async (services, db) =>
        {
            var verdict = await services.GetRequiredService<TrailCheck>().RunAsync(db, cancel);
            foreach (var fault in verdict.Faults)
            {
                await Console.Error.WriteLineAsync(fault);
            }

            Console.WriteLine($"{verdict.Acts} acts, {verdict.Batches} batches of validations, {verdict.Anchors} anchors: {(verdict.Holds ? "the trail holds" : "THE TRAIL WAS CHANGED")}");
            return verdict.Holds ? 0 : 1;
        }, cancel));
        return verify;
    }

    private static Command Export()
    {
        var format = new Option<AuditFormat>("--format") { Description = "jsonl, cef or syslog (CEF in RFC 5424).", DefaultValueFactory = _ => AuditFormat.Jsonl };
        var validations = new Option<bool>("--validations") { Description = "The validations instead of the acts." };
        var since = new Option<DateTimeOffset?>("--since") { Description = "Not before, e.g. 2026-11-01T00:00Z." };
        var until = new Option<DateTimeOffset?>("--until") { Description = "Before." };
        var actor = new Option<string?>("--actor") { Description = "Who acted." };
        var action = new Option<string?>("--action") { Description = "What was done; `puk.` for all that start so." };
        var cuid = new Option<string?>("--cuid") { Description = "On which key." };
        var serial = new Option<string?>("--serial") { Description = "On which token." };
        var user = new Option<string?>("--user") { Description = "On which user." };
        var export = new Command("export", "Prints the trail, oldest first, a line each.") { format, validations, since, until, actor, action, cuid, serial, user };
        export.SetAction((parsed, cancel) => CommandHost.RunAsync(async (services, db) =>
        {
            var query = new AuditQuery(
                parsed.GetValue(actor), parsed.GetValue(action), parsed.GetValue(cuid), parsed.GetValue(serial), parsed.GetValue(user),
                parsed.GetValue(since), parsed.GetValue(until));
            var both = parsed.GetValue(validations);
            await services.GetRequiredService<AuditTrail>().SaveAsync(db, cancel,
                AuditEvent.OnThisMachine() with { Action = "audit.export", Outcome = "done", Detail = both ? "validations" : "acts" });
            var lines = both
                ? AuditExport.ValidationsAsync(db, query.Since, query.Until, parsed.GetValue(format), cancel)
                : AuditExport.ActsAsync(db, query, parsed.GetValue(format), cancel);
            await foreach (var line in lines)
            {
                Console.WriteLine(line);
            }

            return 0;
        }, cancel));
        return export;
    }
}
