using Microsoft.EntityFrameworkCore;
using OathServer.Provisioning.Proof;
using OathServer.Storage;

namespace OathServer.Desk;

/// <summary>The report of a batch at the desk: a line for every user who has no key that can be handed out, and why.</summary>
internal static class DeskBatchReport
{
    public static async Task<BatchReport> OfAsync(OathDbContext db, DeskBatch batch, Statements statements, CancellationToken cancel)
    {
        var lines = batch.Lines.Where(l => l.State != DeskLineState.Unassigned).OrderBy(l => l.Ordinal).ToList();
        var cuids = lines.Where(l => l.State == DeskLineState.Done).Select(l => l.Cuid).ToList();
        var records = await db.Records.AsNoTracking().Include(r => r.Tokens).AsSplitQuery()
            .Where(r => cuids.Contains(r.Cuid)).ToDictionaryAsync(r => r.Cuid, cancel);
        var red = new List<RedLine>();
        var signed = new List<string>();
        foreach (var line in lines)
        {
            var record = line.State == DeskLineState.Done ? records.GetValueOrDefault(line.Cuid!) : null;
            if (record is { Status: KeyStatus.ReadyForHandout or KeyStatus.HandedOut } && await statements.OfAsync(db, record, cancel) is { } jws)
            {
                signed.Add(jws);
            }
            else
            {
                red.Add(new RedLine(line.Cuid, record?.Tokens.FirstOrDefault()?.Serial ?? line.Serial, line.UserName, WhyNot(line, record)));
            }
        }

        return new BatchReport(
            batch.Name, lines.Count, records.Count, records.Values.Count(r => r.Status == KeyStatus.ReadyForHandout),
            records.Values.Count(r => r.Status == KeyStatus.HandedOut), records.Values.Count(r => r.PukDrilledAt is not null), red, signed);
    }

    private static string WhyNot(DeskBatchLine line, KeyRecord? record) => record is not null
        ? ProofEndpoint.WhyNot(record)
        : line.Trouble ?? line.State switch
        {
            DeskLineState.Waiting => "waits for a key",
            DeskLineState.Working => "its key is being written",
            _ => "its key was pulled; insert the same key again",
        };
}
