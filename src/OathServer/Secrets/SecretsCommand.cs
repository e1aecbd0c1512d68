using System.CommandLine;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Secrets;

/// <summary><c>secrets status</c>, <c>secrets rotate</c>, <c>secrets retire</c>: beside a running server.</summary>
internal static class SecretsCommand
{
    public static Command Create() => new("secrets", "The sealing key, and the values under it.") { Status(), Rotate(), Retire() };

    private static Command Status()
    {
        var status = new Command("status", "Prints the keys this machine holds and how many values need each.");
        status.SetAction((_, cancel) => CommandHost.RunAsync(async (services, db) =>
        {
            var ring = services.GetRequiredService<KeyRing>();
            foreach (var (id, count) in await Rewrapping.CountAsync(db, cancel))
            {
                Console.WriteLine($"{id}\t{count} values\t{(id == ring.Current.Id ? "seals" : ring.Find(id) is null ? "NOT HERE" : "opens only")}");
            }

            return 0;
        }, cancel));
        return status;
    }

    private static Command Rotate()
    {
        var rewrapOnly = new Option<bool>("--rewrap-only") { Description = "Makes no new key: goes on with a rotation that was stopped." };
        var rotate = new Command("rotate", "Makes a new sealing key and brings every value under it, while the server runs.") { rewrapOnly };
        rotate.SetAction((parsed, cancel) => CommandHost.RunAsync(async (services, db) =>
        {
            var ring = services.GetRequiredService<KeyRing>();
            var before = ring.Current.Id;
            if (!parsed.GetValue(rewrapOnly))
            {
                _ = ring.Rotate();
            }

            await services.GetRequiredService<StorageStart>().KnowSealingKeyAsync(db, cancel);
            var trail = services.GetRequiredService<AuditTrail>();
            await trail.SaveAsync(db, cancel, AuditEvent.OnThisMachine() with { Action = "secrets.rotate", Outcome = "started", Detail = $"{before} to {ring.Current.Id}" });
            var rewrapping = new Rewrapping(services.GetRequiredService<Sealer>());
            var done = await rewrapping.RunAsync(db, (table, seen) => Console.Error.Write($"\r{table}: {seen}        "), cancel);
            await Console.Error.WriteLineAsync();
            await trail.SaveAsync(db, cancel, AuditEvent.OnThisMachine() with { Action = "secrets.rotate", Outcome = "done", Detail = $"{done} values under {ring.Current.Id}" });
            Console.WriteLine($"{done} values are under sealing key {ring.Current.Id} now. Back it up: {ring.Where}.");
            Console.WriteLine("The key before stays beside it until `secrets retire` finds it unused.");
            return 0;
        }, cancel));
        return rotate;
    }

    private static Command Retire()
    {
        var id = new Argument<string>("id") { Description = "The key's id, as `secrets status` prints it." };
        var retire = new Command("retire", "Removes a key that no value needs any more. Backups made before the rotation need it: keep a copy as long as them.") { id };
        retire.SetAction((parsed, cancel) => CommandHost.RunAsync(async (services, db) =>
        {
            var ring = services.GetRequiredService<KeyRing>();
            var wanted = parsed.GetRequiredValue(id).ToUpperInvariant();
            var count = (await Rewrapping.CountAsync(db, cancel)).GetValueOrDefault(wanted);
            if (wanted == ring.Current.Id || count > 0)
            {
                await Console.Error.WriteLineAsync(wanted == ring.Current.Id
                    ? $"{wanted} is the key that seals. Rotate first."
                    : $"{count} values still need {wanted}. Run `secrets rotate --rewrap-only`, then try again.");
                return 2;
            }

            if (ring.Find(wanted) is null)
            {
                await Console.Error.WriteLineAsync($"There is no key {wanted} here.");
                return 2;
            }

            var trail = services.GetRequiredService<AuditTrail>();
            var entry = AuditEvent.OnThisMachine() with { Action = "secrets.retire", Outcome = "started", Detail = wanted };
            await trail.SaveAsync(db, cancel, entry);
            if (!ring.Remove(wanted))
            {
                await Console.Error.WriteLineAsync($"No value needs {wanted}. It is in your settings: take it out of there.");
                return 2;
            }

            await trail.SaveAsync(db, cancel, entry with { Outcome = "done" });
            Console.WriteLine($"{wanted} is gone from this machine.");
            return 0;
        }, cancel));
        return retire;
    }
}
