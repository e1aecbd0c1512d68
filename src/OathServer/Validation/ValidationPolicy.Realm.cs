using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>What of the policy a realm can have of its own. The rest (alarms, tries an hour) is the server's.</summary>
internal sealed partial class ValidationPolicy
{
    /// <summary>These settings, with a realm's own where it has them.</summary>
    public ValidationPolicy With(RealmPolicy row)
    {
        var own = (ValidationPolicy)MemberwiseClone();
        own.LookAhead = row.LookAhead;
        own.ResyncWindow = row.ResyncWindow;
        own.FirstUseWindow = row.FirstUseWindow;
        own.TimeStepTolerance = row.TimeStepTolerance;
        own.FastFailures = row.FastFailures;
        own.FirstDelay = TimeSpan.FromSeconds(row.FirstDelaySeconds);
        own.LongestDelay = TimeSpan.FromSeconds(row.LongestDelaySeconds);
        own.HardCap = row.HardCap;
        own.Pin = row.Pin;
        return own;
    }

    /// <summary>Stores it as a realm's own; a delay is stored in whole seconds.</summary>
    public void WriteTo(RealmPolicy row)
    {
        row.LookAhead = LookAhead;
        row.ResyncWindow = ResyncWindow;
        row.FirstUseWindow = FirstUseWindow;
        row.TimeStepTolerance = TimeStepTolerance;
        row.FastFailures = FastFailures;
        row.FirstDelaySeconds = (int)FirstDelay.TotalSeconds;
        row.LongestDelaySeconds = (int)LongestDelay.TotalSeconds;
        row.HardCap = HardCap;
        row.Pin = Pin;
    }

    /// <summary>As names and whole numbers, delays in seconds, for the trail.</summary>
    public IEnumerable<(string Name, int Value)> Values() =>
    [
        ("look-ahead", LookAhead), ("resync window", ResyncWindow), ("first-use window", FirstUseWindow), ("time steps", TimeStepTolerance),
        ("fast failures", FastFailures), ("first delay (s)", (int)FirstDelay.TotalSeconds), ("longest delay (s)", (int)LongestDelay.TotalSeconds),
        ("hard cap", HardCap), ("PIN before the code", (int)Pin),
    ];
}
