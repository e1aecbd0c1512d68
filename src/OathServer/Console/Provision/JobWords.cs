using OathServer.Provisioning;

namespace OathServer.Pages;

/// <summary>Jobs and their steps, in the words of the desk.</summary>
internal static class JobWords
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(300);

    /// <summary>Waits for a job that is over at once: the next page then says so, also without script.</summary>
    public static Task GlanceAsync(Task running) => Task.WhenAny(running, Task.Delay(Glance));

    public static Phrase Step(string name) => name switch
    {
        StepNames.Retries => new Phrase("Tries"),
        StepNames.ManagementKey => new Phrase("Management key"),
        StepNames.Identity => new Phrase("Identity"),
        StepNames.Puk => new Phrase("PUK"),
        StepNames.Oath => new Phrase("One-time passwords"),
        StepNames.Fido => new Phrase("FIDO"),
        StepNames.Pin => new Phrase("PIN"),
        StepNames.FirstCode => new Phrase("First code"),
        StepNames.Earlier => new Phrase("Earlier credentials"),
        StepNames.ForcePinChange => new Phrase("PIN change at first use"),
        StepNames.Record => new Phrase("Record"),
        _ => new(name),
    };

    public static (Phrase Text, string Kind) Of(JobView job) => job.State switch
    {
        "confirmed" => (new Phrase("finished"), "good"),
        "abandoned" => (new Phrase("given up"), ""),
        "in-doubt" when job.Trouble is not null => (new Phrase("in doubt"), "bad"),
        _ when job.Trouble is not null => (new Phrase("interrupted"), "warn"),
        _ => (new Phrase("being written"), "warn"),
    };

    public static (Phrase Text, string Kind) Of(StepView step) => step.State switch
    {
        "done" => (new Phrase("done"), "good"),
        "intended" => (new Phrase("being written"), "warn"),
        "skipped" => (new Phrase("skipped"), ""),
        _ => (new Phrase("to do"), ""),
    };

    /// <summary>What a stopped job has left on its key, and what is safe to do.</summary>
    public static (Phrase Held, Phrase Safe) Standing(JobView job)
    {
        var intended = job.Steps.FirstOrDefault(s => s.State == "intended");
        var done = job.Steps.Any(s => s.State == "done" && s.Name != StepNames.Retries);
        return intended is not null && job.State == "in-doubt"
            ? (new Phrase("The key holds either the old value or the new one at the step that says “being written”. Both are on record, sealed."),
                new Phrase("Insert this very key and resume: the key says which it is, and no try is spent that could block it. Do not reset it."))
            : done || intended is not null
                ? (new Phrase("The steps that say “done” are on the key and on record; the others are as they were."), new Phrase("Insert this very key and resume: it goes on where it stopped."))
                : (new Phrase("Nothing that matters was written to the key."), new Phrase("Resume with the key inserted, or give the job up: both are safe."));
    }

    /// <summary>A refusal and the lines under it, in English.</summary>
    public static (string What, IReadOnlyList<string> More) Refusal(StartOutcome outcome) => outcome switch
    {
        StartOutcome.Busy busy => (busy.What, ["Try again in a moment."]),
        StartOutcome.Refused { Reasons.Count: > 1 } refused => (refused.What, [.. refused.Reasons.Skip(1), Next(refused.Next)]),
        StartOutcome.Refused refused => (refused.What, [Next(refused.Next)]),
        _ => throw new InvalidOperationException("Not a refusal."),
    };

    /// <summary>A page has the list of readers before its eyes.</summary>
    public static string Next(string next) => next.StartsWith("GET ", StringComparison.Ordinal) ? "Nothing was written to the key. See above which readers hold one." : next;
}
