using System.Globalization;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Storage;
using OathServer.Validation;
using SecurityKeys.External;
using SecurityKeys.OathApplet;
using SecurityKeys.OtpSlots;

namespace OathServer.Provisioning.Steps;

/// <summary>The OATH credential, and the first code that proves it.</summary>
internal sealed class OathSteps(KeySecrets secrets, Validator validator, TimeProvider time)
{
    /// <summary>PUT with the server's own counter; repeating it overwrites with the same, so no probe is needed. A slot is
    /// rewritten with the same values likewise.</summary>
    public async Task WriteAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.Oath);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        await job.Journal.IntendAsync(step, old: null, next: null, cancel);
        var counter = await PutAsync(job, cancel);
        job.Journal.Done(step, job.Token!.Type == TokenType.Hotp
            ? string.Create(CultureInfo.InvariantCulture, $"{(job.Decisions.Oath!.Slot is { } slot ? $"slot {slot}" : NameOf(job))}, counter {counter}")
            : NameOf(job));
    }

    /// <summary>One code from the key, validated by the very path relying parties use. The token stays pending. Asking is
    /// using: the key moves on even if the answer is lost, which the look-ahead window covers; past it the credential is
    /// written again.</summary>
    public async Task ProveAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.FirstCode);
        if (JobInHand.IsOver(step))
        {
            return;
        }

        if (step.State == StepState.Planned)
        {
            step.Before = await CounterAsync(job, cancel);
        }

        await job.Journal.IntendAsync(step, old: null, next: null, cancel);

        // Nobody but this job can move the counter of a pending token: when it moved, the code was accepted.
        for (var round = 0; await CounterAsync(job, cancel) <= step.Before; round++)
        {
            var code = job.Key.External is { } key ? await AskAsync(job, key, cancel)
                : job.Decisions.Oath!.Slot is { } slot ? Typed(job, slot) : AskKey(job);
            var attempt = await validator.ProveAsync(job.Token!.Serial, code, cancel);
            if (attempt.Outcome == Outcome.Accepted)
            {
                break;
            }

            if (round > 0 || attempt.Outcome is not (Outcome.WrongCode or Outcome.Replayed) || job.Token.Type == TokenType.Totp
                || job.Decisions.Oath!.Slot is not null || job.Journal.Step(StepNames.Oath).State == StepState.Skipped)
            {
                throw new JobStoppedException($"The first code was refused ({attempt.Outcome}). {NextAct(attempt.Outcome)}");
            }

            await PutAsync(job, cancel);
        }

        job.Journal.Done(step, "accepted by the relying parties' path");
        job.Record.FirstCodeAcceptedAt = time.GetUtcNow();
        job.Record.ProvenCounter = job.Token!.Type == TokenType.Hotp ? await CounterAsync(job, cancel) : null;
    }

    /// <summary>A slot answers only to a finger: the operator sends what it typed.</summary>
    private static string Typed(JobInHand job, int slot) =>
        Typed(job, $"Touch the key ({(slot == 1 ? "shortly" : "for three seconds")})");

    private static string Typed(JobInHand job, string how) => job.TypedCode is { } code
        ? code.All(char.IsAsciiDigit) && code.Length == job.Token!.Digits ? code
            : throw new JobStoppedException($"A code has {job.Token!.Digits} digits. Touch the key and resume with the code it types.")
        : throw new JobStoppedException($"{how} and resume with the code.");

    /// <summary>A key of another make is asked by its driver, or shows its code to the operator.</summary>
    private async Task<string> AskAsync(JobInHand job, ExternalKey key, CancellationToken cancel)
    {
        if (!key.Offers("oath-code"))
        {
            return Typed(job, "Let the key show a code");
        }

        var pin = PinOf(job);
        try
        {
            return await key.ReadCodeAsync(pin, NameOf(job), time.GetUtcNow(), cancel);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pin);
        }
    }

    private async Task<long> PutAsync(JobInHand job, ExternalKey key, CancellationToken cancel)
    {
        var token = job.Token!;
        var counter = await CounterAsync(job, cancel);
        var credential = ExternalCredentialOf(token, NameOf(job), counter);
        var pin = PinOf(job);
        var secret = secrets.OathSecretOf(token);
        try
        {
            (await key.PutOathAsync(pin, credential, secret, cancel)).ThrowIfRefused("write the credential");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(pin);
        }

        return counter;
    }

    /// <summary>Before the PIN step the key has the PIN it came with, after it ours.</summary>
    private byte[] PinOf(JobInHand job) =>
        job.Journal.Step(StepNames.Pin).State == StepState.Done ? secrets.PinOf(job.Record) : job.FactoryPin;

    private static string NameOf(JobInHand job) => job.Key.External is null
        ? job.OathName
        : ProvisioningPlan.AccountOf(job.Decisions.Oath!, job.Token!, job.User);

    private string AskKey(JobInHand job)
    {
        var oath = OathApplication.Select(job.Card);
        var code = job.Token!.Type == TokenType.Hotp
            ? oath.CalculateHotp(job.OathName)
            : oath.CalculateTotp(job.OathName, Oath.Totp.StepAt(time.GetUtcNow(), job.Token.TimeStep));
        return code ?? throw new JobStoppedException("The OATH credential is no longer on the key. Resume writes nothing twice; abandon the job and start another.");
    }

    private async Task<long> PutAsync(JobInHand job, CancellationToken cancel)
    {
        if (job.Key.External is { } key)
        {
            return await PutAsync(job, key, cancel);
        }

        if (job.Decisions.Oath!.Slot is { } slot)
        {
            return await PutSlotAsync(job, slot, cancel);
        }

        var token = job.Token!;
        var counter = await CounterAsync(job, cancel);
        if (token.Type == TokenType.Hotp && counter > uint.MaxValue)
        {
            throw new JobStoppedException($"Token {token.Serial} stands at counter {counter}; the key holds at most {uint.MaxValue}. Reseed it.");
        }

        var credential = new NewOathCredential(
            job.OathName, token.Type == TokenType.Hotp ? OathType.Hotp : OathType.Totp, AlgorithmOf(token), token.Digits,
            token.Type == TokenType.Hotp ? (uint)counter : 0, job.Decisions.Oath!.Touch);
        var oath = OathApplication.Select(job.Card);
        var secret = secrets.OathSecretOf(token);
        try
        {
            oath.Put(credential, secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }

        if (!oath.List().Contains(new OathCredential(credential.Name, credential.Type, credential.Algorithm)))
        {
            throw new JobStoppedException("The key does not list the OATH credential it was given. Resume to try again.");
        }

        return counter;
    }

    /// <summary>A slot starts from multiples of 16; the server's counter goes on to the same one before the key is written,
    /// so that no code the key may type lies behind it.</summary>
    private async Task<long> PutSlotAsync(JobInHand job, int slot, CancellationToken cancel)
    {
        var token = job.Token!;
        var counter = await CounterAsync(job, cancel);
        if (OtpSlotsApplication.RoundUp((ulong)counter) is not { } start)
        {
            throw new JobStoppedException($"Token {token.Serial} stands at counter {counter}; a slot starts from at most {OtpSlotsApplication.MovingFactorMax}. Reseed it.");
        }

        if (start != counter && await job.Journal.Database.Counters
            .Where(c => c.TokenId == token.Id && c.State == TokenState.Pending && c.Counter == counter)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Counter, (long)start), cancel) != 1)
        {
            throw new JobStoppedException("The token's counter moved meanwhile. Resume to try again.");
        }

        var slots = OtpSlotsApplication.TrySelect(job.Card)
            ?? throw new JobStoppedException("The key's OTP slots cannot be reached through this reader.");
        var secret = secrets.OathSecretOf(token);
        try
        {
            slots.PutHotp(slot, secret, token.Digits, start);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }

        if (!(slot == 1 ? slots.IsSlot1Configured : slots.IsSlot2Configured))
        {
            throw new JobStoppedException($"The key does not say that slot {slot} is configured. Resume to try again.");
        }

        return start;
    }

    /// <summary>Where the counter will stand when the credential is written: a slot starts from a multiple of 16.</summary>
    internal static async Task<long> StartOfAsync(OathDbContext db, Token token, OathDecision oath, CancellationToken cancel)
    {
        var counter = await CounterAsync(db, token, cancel);
        return oath.Slot is null ? counter : OtpSlotsApplication.RoundUp((ulong)counter) ?? counter;
    }

    internal static Task<long> CounterAsync(JobInHand job, CancellationToken cancel) => CounterAsync(job.Journal.Database, job.Token!, cancel);

    private static Task<long> CounterAsync(OathDbContext db, Token token, CancellationToken cancel) =>
        db.Counters.AsNoTracking().Where(c => c.TokenId == token.Id).Select(c => c.Counter).SingleAsync(cancel);

    /// <summary>A token's credential as a key that a program drives is given it.</summary>
    /// <param name="token">The token.</param>
    /// <param name="name">The account the key shows.</param>
    /// <param name="counter">The next counter; HOTP only.</param>
    internal static ExternalOathCredential ExternalCredentialOf(Token token, string name, long counter) => token.Type == TokenType.Hotp
        ? new(name, OathType.Hotp, AlgorithmOf(token), token.Digits, counter, 30)
        : new(name, OathType.Totp, AlgorithmOf(token), token.Digits, 0, token.TimeStep);

    internal static OathAlgorithm AlgorithmOf(Token token) => token.Algorithm switch
    {
        Oath.OathAlgorithm.Sha256 => OathAlgorithm.Sha256,
        Oath.OathAlgorithm.Sha512 => OathAlgorithm.Sha512,
        _ => OathAlgorithm.Sha1,
    };

    private static string NextAct(Outcome outcome) => outcome switch
    {
        Outcome.Throttled => "Somebody tried wrong codes; resume in a minute.",
        Outcome.Locked => "Unlock the token, then resume.",
        Outcome.Replayed => "Resume in half a minute.",
        _ => "See that it is the right token, then resume.",
    };
}
