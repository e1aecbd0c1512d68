using OathServer.Operations.Settings;
using OathServer.Storage;

namespace OathServer.Operations.Checks;

/// <summary>All checks, in the order in which one rests on the other. One that fails in a way nobody foresaw is a finding
/// too: the others are still made.</summary>
internal sealed class Examination(IConfiguration configuration)
{
    private readonly List<Finding> findings = [];

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel)
    {
        var faults = SettingsCheck.Faults(configuration);
        findings.AddRange(faults.Select(fault => Finding.Bad("settings", fault, "OathServer settings lists what there is.")));
        if (faults.Count == 0)
        {
            findings.Add(Finding.Good("settings", "every setting is known and in its range"));
        }

        Look("clock", ClockCheck.Run);
        Look("data folder", () => DiskCheck.Folder(StorageServices.DataFolder(configuration)));
        Look("disk space", () => DiskCheck.Space(configuration));
        Look("sealing key", () => KeyCheck.Run(configuration));
        await LookAsync("listening", () => ListeningCheck.RunAsync(configuration, cancel));
        Look("readers", ReaderCheck.Run);
        // What is wrong with a setting would be met again at every turn from here on.
        if (faults.Count == 0)
        {
            await LookAsync("database", () => DatabaseCheck.RunAsync(configuration, cancel));
        }

        return findings;
    }

    private void Look(string part, Func<IEnumerable<Finding>> check)
    {
        try
        {
            findings.AddRange(check());
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            findings.Add(Finding.Bad(part, fault.Message));
        }
    }

    private async Task LookAsync(string part, Func<Task<List<Finding>>> check)
    {
        try
        {
            findings.AddRange(await check());
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            findings.Add(Finding.Bad(part, fault.Message));
        }
    }
}
