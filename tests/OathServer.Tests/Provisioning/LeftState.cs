using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Secrets;
using SecurityKeys.Piv;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

/// <summary>What a fault left behind on the key and in the store, without what is random or a name: two runs that left the
/// same go on in the same way, so that a second fault is walked from one of them only.</summary>
internal static class LeftState
{
    public static Task<string> OfAsync(ServerUnderTest server, VirtualKey key, string cuid, string token) => server.WithDatabase(async db =>
    {
        var said = new StringBuilder();
        var sealer = server.Services.GetRequiredService<Sealer>();
        var job = await db.Jobs.AsNoTracking().Include(j => j.Steps.OrderBy(s => s.Ordinal)).Where(j => j.Cuid == cuid)
            .OrderByDescending(j => j.StartedAt).FirstOrDefaultAsync(Cancel);
        List<(string Name, byte[] Value)> values =
        [
            ("factory", PivApplication.FactoryPin.ToArray()), ("factory", PivApplication.FactoryPuk.ToArray()),
            ("factory", PivApplication.FactoryManagementKey.ToArray()), ("seed", Codes.Secret),
        ];
        said.Append(CultureInfo.InvariantCulture, $"{job?.State} {job?.StatusBefore} {job?.LeaseUntil is null} ")
            .Append(job?.Trouble?.Replace(cuid, "CUID", StringComparison.Ordinal).Replace(token, "TOKEN", StringComparison.Ordinal));
        foreach (var step in job?.Steps ?? [])
        {
            said.Append(CultureInfo.InvariantCulture, $"\n{step.Name} {step.State} {step.LastTried} {(step.Before > 1_000_000 ? "a step" : step.Before)} {step.SealedOld is null} {step.SealedNew is null}");
            if (step.SealedNew is { } next)
            {
                values.Add((step.Name + " new", sealer.Open(next, SealedPlace.StepNew(step.JobId, step.Ordinal))));
            }

            if (step.SealedOld is { } old)
            {
                values.Add((step.Name + " old", sealer.Open(old, SealedPlace.StepOld(step.JobId, step.Ordinal))));
            }
        }

        var record = await db.Records.AsNoTracking().SingleOrDefaultAsync(r => r.Cuid == cuid, Cancel);
        said.Append(CultureInfo.InvariantCulture, $"\n{record?.Status} {record?.PinMethod} {record?.PukMethod} {record?.SealedPin is null} {record?.SealedManagementKey is null}")
            .Append(CultureInfo.InvariantCulture, $" {record?.FirstCodeAcceptedAt is null} {record?.ProvenCounter} {record?.PersonId is null} {record?.FidoStatus}");
        var counter = await db.Counters.AsNoTracking().SingleOrDefaultAsync(c => db.Tokens.Any(t => t.Serial == token && t.Id == c.TokenId), Cancel);
        said.Append(CultureInfo.InvariantCulture, $"\n{counter?.State} {(counter?.Counter > 1_000_000 ? "a step" : counter?.Counter)} {counter?.Flags} {counter?.Failures}");

        var on = key.Peek();
        said.Append(CultureInfo.InvariantCulture, $"\n{NameOf(on.Piv.Pin)} {on.Piv.PinTriesLeft}/{on.Piv.PinTriesTotal}")
            .Append(CultureInfo.InvariantCulture, $" {NameOf(on.Piv.Puk)} {on.Piv.PukTriesLeft}/{on.Piv.PukTriesTotal} {NameOf(on.Piv.ManagementKey)}");
        foreach (var credential in on.Oath)
        {
            said.Append(CultureInfo.InvariantCulture, $"\n{NameOf(credential.Secret)} {credential.MovingFactor}");
        }

        foreach (var slot in on.Slots)
        {
            said.Append(CultureInfo.InvariantCulture, $"\nslot {slot.Slot} {NameOf(slot.Secret)} {slot.MovingFactor}");
        }

        // Looked at on a copy: asking is an APDU.
        var piv = PivApplication.Select(key.Clone().Connect());
        return said.Append(CultureInfo.InvariantCulture, $"\n{on.Fido?.MinPinLength} {on.Fido?.ForcePinChange} {piv.GetChuid() is null} {piv.GetCcc() is null}").ToString();

        string NameOf(byte[] value) => values.Find(v => v.Value.AsSpan().SequenceEqual(value.AsSpan(0, Math.Min(value.Length, v.Value.Length)))).Name ?? "another";
    });

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
